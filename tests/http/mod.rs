//! Bad input as data: what is sent, what comes back, and that nothing was written.

mod bodies;
mod tokens;

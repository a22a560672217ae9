mod names;
mod objections;

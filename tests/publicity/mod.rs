mod names;
mod objections;
mod page;
mod proof;

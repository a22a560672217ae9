mod grids;
mod policy;
mod tree;

mod committees;
mod grants;
mod kin;

mod four_eyes;
mod list;
mod queue;
mod review;
mod submit;

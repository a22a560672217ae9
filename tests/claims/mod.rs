mod four_eyes;
mod queue;
mod review;
mod submit;

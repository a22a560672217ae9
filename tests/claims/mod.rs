mod queue;
mod review;
mod submit;

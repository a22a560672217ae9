mod review;
mod submit;

mod deductions;
mod four_eyes;
mod queue;
mod repudiation;
mod returned;
mod review;
mod submit;

mod batch;
mod changes;
mod correct;
mod four_eyes;
mod inspections;
mod queue;
mod review;
mod submit;

mod adjustments;
mod names;
mod objections;

mod adjustments;
mod corrections;
mod names;
mod objections;
mod reversals;
mod sequences;

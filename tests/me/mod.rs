mod first_screen;
mod forgotten;

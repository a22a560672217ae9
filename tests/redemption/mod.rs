mod races;
mod redeem;

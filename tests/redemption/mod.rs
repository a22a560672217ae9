mod races;
pub mod redeem;

mod dividends;
mod rank_awards;
mod vetoes;

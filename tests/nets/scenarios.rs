//! Where each acceptance scenario and each edge of a real year is tested: a reader finds it here, and a
//! test that is renamed or dropped is missed.

/// What happens, and the test that shows it.
const SHOWN: &[(&str, &str)] = &[
    (
        "1 an honour earns its points once",
        "honours: a_clean_household_of_july_earns_five_points_once",
    ),
    ("2 points become a prize", "cycle/quarter: a_claim_becomes_a_prize"),
    (
        "3 at the counter without a phone",
        "redemption/helped: the_clerk_redeems_by_the_printed_code_and_the_bearer_is_stored",
    ),
    (
        "4 a rank award is collected once",
        "awards/rank_awards: four_mattresses_and_six_blankets_go_out_and_dong_collects_his_once",
    ),
    (
        "5 four mattresses, six blankets",
        "awards/rank_awards: four_mattresses_and_six_blankets_go_out_and_dong_collects_his_once",
    ),
    (
        "6 fewer deductions decide a tie",
        "rankings/year: a_years_ranking_is_provisional_then_seven_days_published_then_final",
    ),
    (
        "7 a dividend to the fen",
        "awards/dividends: a_pool_is_distributed_to_the_fen_by_the_final_ranking",
    ),
    (
        "8 a broken bench, mended",
        "claims/deductions: a_deduction_is_posted_after_the_head_was_heard_and_the_committee_voted_and_given_back_when_put_right",
    ),
    ("9 approved on Monday", "cycle/week: approved_on_monday_is_on_the_new_weeks_sheet"),
    ("10 a list of seven days", "cycle/quarter: a_claim_becomes_a_prize"),
    (
        "11 the last millisecond",
        "publicity/limits: the_last_millisecond_counts_and_whoever_comes_later_learns_whom_to_ask",
    ),
    ("12 an upheld objection", "cycle/quarter: a_claim_becomes_a_prize"),
    (
        "13 the quarter's window",
        "redemption/windows: a_line_decided_in_the_window_is_spendable_at_once",
    ),
    ("14 an always open shop", "cycle/policy: an_always_open_shop_is_open_on_20_august"),
    (
        "15 inside the framework",
        "rules/drafts: points_inside_the_range_and_an_item_inside_a_category_are_accepted",
    ),
    (
        "16 a rule changed at the quarter",
        "rules/publication: a_deed_counts_by_the_rules_of_its_day_whenever_it_is_approved",
    ),
    (
        "17 the last room under a cap",
        "claims/inspections: the_last_room_of_a_month_goes_in_order_of_deed",
    ),
    ("18 the same deed again", "claims/submit: the_same_deed_again_names_the_first_claim"),
    (
        "19 an elder without a phone",
        "claims/submit: who_files_for_another_household_records_who_of_it_agreed",
    ),
    (
        "20 a head dies",
        "households/lives/members: when_the_head_dies_another_is_set_and_the_old_login_is_refused",
    ),
    (
        "21 sixty-two honours",
        "honours: sixty_two_honours_in_force_have_plaques_and_a_withdrawn_number_stays_taken",
    ),
    ("22 the figures of the reports", "sandbox: the_demo_county_answers_exactly"),
    (
        "23 the weak categories",
        "statistics: all_eight_categories_are_shown_and_the_neglected_ones_named",
    ),
    (
        "24 a period as of then",
        "statistics: a_period_computed_again_as_of_then_has_the_figures_of_then",
    ),
    (
        "25 weeks of a county add up",
        "cycle/year: weeks_with_the_jobs_three_days_late_end_in_the_same_rows",
    ),
    (
        "objection in time and too late",
        "publicity/limits: the_last_millisecond_counts_and_whoever_comes_later_learns_whom_to_ask",
    ),
    ("approved after the week closed", "cycle/week: approved_on_monday_is_on_the_new_weeks_sheet"),
    (
        "a cap leaves part or nothing",
        "claims/inspections: the_last_room_of_a_month_goes_in_order_of_deed",
    ),
    (
        "a claim too late, admitted",
        "claims/submit: the_committee_admits_what_is_too_late_with_a_reason_and_never_its_own",
    ),
    (
        "a reversal after redemption",
        "publicity/reversals: points_that_are_spent_leave_a_debt_that_later_points_pay_off",
    ),
    (
        "two redemptions, the last item",
        "redemption/races: two_hundred_clients_get_ten_items_and_no_point_is_lost",
    ),
    (
        "two redemptions, the last points",
        "redemption/races: forty_phones_of_one_household_spend_its_points_once",
    ),
    (
        "a hold not collected",
        "redemption/redeem: a_hold_that_nobody_collects_gives_everything_back_after_seven_days",
    ),
    (
        "a move within the village",
        "households/lives/moving: a_move_within_the_village_leaves_past_figures_of_the_grids",
    ),
    ("a split", "households/lives/split_merge: a_split_opens_a_file_and_divides_what_is_spendable"),
    (
        "a merge",
        "households/lives/split_merge: a_merged_household_forwards_what_is_confirmed_later",
    ),
    (
        "moving out",
        "households/lives/moving: who_moved_out_spends_in_the_next_window_then_the_rest_expires",
    ),
    (
        "a one-person household",
        "households/lives/members: the_last_member_closes_the_file_which_leaves_the_eligible_households",
    ),
    (
        "an item changed between deed and approval",
        "rules/publication: a_deed_counts_by_the_rules_of_its_day_whenever_it_is_approved",
    ),
    (
        "a deduction put right in time",
        "claims/deductions: a_deduction_is_posted_after_the_head_was_heard_and_the_committee_voted_and_given_back_when_put_right",
    ),
    (
        "an officer's own household",
        "claims/four_eyes: an_official_does_not_review_their_own_household",
    ),
    (
        "a proxy claim repudiated",
        "claims/repudiation: a_household_disowns_a_proxy_claim_at_every_stage_until_its_list_closes",
    ),
    (
        "consent withdrawn",
        "households/consent: a_household_that_withdraws_is_a_number_only_until_it_agrees_again",
    ),
    (
        "a month with no entries",
        "publicity/reading: an_empty_month_can_be_read_and_has_nothing_to_object_to",
    ),
    (
        "an outage of three days",
        "cycle/year: weeks_with_the_jobs_three_days_late_end_in_the_same_rows",
    ),
    ("a year of 53 weeks", "rankings/year: a_year_of_53_weeks_ends_with_its_53rd"),
];

#[test]
fn every_scenario_and_every_edge_of_a_year_has_a_test_of_its_name() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (what, shown) in SHOWN {
        let (file, name) = shown.split_once(": ").expect("a file and a name");
        let paths = [format!("{file}.rs"), format!("{file}/mod.rs")].map(|path| root.join(path));
        let source = paths.iter().find_map(|path| std::fs::read_to_string(path).ok());
        let source = source.unwrap_or_else(|| panic!("{what}: there is no {file}"));
        assert!(source.contains(&format!("fn {name}()")), "{what}: {file} has no {name}");
    }
    println!("figure: scenarios: {} of the cycle and its edges, each with a test", SHOWN.len());
}

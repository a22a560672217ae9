//! The year: its published ranking with the objections to it, what is awarded for it, dividends, vetoes,
//! and honours with their plaques.

const UP: &str = r"
CREATE TABLE year_rankings (
    village {code} NOT NULL CONSTRAINT year_rankings_village_fk REFERENCES villages (village),
    year {code} NOT NULL,
    status {code} NOT NULL CONSTRAINT year_rankings_status_known CHECK (status IN ('published', 'final')),
    publicity_ended BOOLEAN NOT NULL,
    revision BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    final_at BIGINT,
    CONSTRAINT year_rankings_pk PRIMARY KEY (village, year),
    CONSTRAINT year_rankings_final_when CHECK ((status = 'final') = (final_at IS NOT NULL)),
    CONSTRAINT year_rankings_seven_days CHECK (final_at IS NULL OR final_at >= published_at + 604800000)
)

CREATE INDEX year_rankings_published ON year_rankings (village, published_at) WHERE status = 'published'

CREATE TABLE final_standings (
    village {code} NOT NULL,
    year {code} NOT NULL,
    revision BIGINT NOT NULL,
    rank BIGINT NOT NULL,
    household {uuid} NOT NULL,
    number BIGINT NOT NULL,
    points BIGINT NOT NULL,
    deductions BIGINT NOT NULL,
    categories BIGINT NOT NULL,
    reached_at BIGINT NOT NULL,
    CONSTRAINT final_standings_pk PRIMARY KEY (village, year, revision, rank),
    CONSTRAINT final_standings_household_unique UNIQUE (village, year, revision, household),
    CONSTRAINT final_standings_ranking_fk FOREIGN KEY (village, year) REFERENCES year_rankings (village, year),
    CONSTRAINT final_standings_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id)
)

{refuse final_standings_closed | INSERT ON final_standings | EXISTS (SELECT 1 FROM year_rankings y WHERE y.village = NEW.village AND y.year = NEW.year AND y.status = 'final')}

{append_only:final_standings}

{refuse year_rankings_final_for_ever | UPDATE ON year_rankings | OLD.status = 'final'}

CREATE TABLE ranking_objections (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    year {code} NOT NULL,
    filed_by {uuid} NOT NULL,
    filer_household {uuid} NOT NULL,
    reason TEXT NOT NULL,
    status {code} NOT NULL CONSTRAINT ranking_objections_status_known CHECK (status IN ('filed', 'decided', 'lapsed')),
    filed_at BIGINT NOT NULL,
    decision {code} CONSTRAINT ranking_objections_decision_known CHECK (decision IN ('dismissed', 'upheld')),
    decided_by {uuid},
    decided_at BIGINT,
    decided_reason TEXT,
    CONSTRAINT ranking_objections_pk PRIMARY KEY (village, id),
    CONSTRAINT ranking_objections_ranking_fk FOREIGN KEY (village, year) REFERENCES year_rankings (village, year),
    CONSTRAINT ranking_objections_household_fk FOREIGN KEY (village, filer_household) REFERENCES households (village, id),
    CONSTRAINT ranking_objections_decided_by_another CHECK (decided_by IS NULL OR decided_by <> filed_by),
    CONSTRAINT ranking_objections_decided CHECK ((status = 'decided') = (decision IS NOT NULL))
)

CREATE UNIQUE INDEX ranking_objections_one_open ON ranking_objections (village, year, filer_household) WHERE status = 'filed'

CREATE INDEX ranking_objections_open ON ranking_objections (village, filed_at) WHERE status = 'filed'

CREATE INDEX ranking_objections_by_year ON ranking_objections (village, year, id)

CREATE TABLE award_schemes (
    village {code} NOT NULL CONSTRAINT award_schemes_village_fk REFERENCES villages (village),
    year {code} NOT NULL,
    version BIGINT NOT NULL,
    set_at BIGINT NOT NULL,
    CONSTRAINT award_schemes_pk PRIMARY KEY (village, year)
)

CREATE TABLE award_items (
    village {code} NOT NULL,
    year {code} NOT NULL,
    item {code} NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    rank_from BIGINT NOT NULL,
    rank_to BIGINT NOT NULL,
    value_fen BIGINT NOT NULL CONSTRAINT award_items_value_range CHECK (value_fen >= 0),
    funding {code} NOT NULL,
    CONSTRAINT award_items_pk PRIMARY KEY (village, year, rank_from),
    CONSTRAINT award_items_scheme_fk FOREIGN KEY (village, year) REFERENCES award_schemes (village, year),
    CONSTRAINT award_items_rank_range CHECK (1 <= rank_from AND rank_from <= rank_to AND rank_to <= 1000)
)

CREATE TABLE dividends (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    year {code} NOT NULL,
    pool_fen BIGINT NOT NULL CONSTRAINT dividends_pool_range CHECK (pool_fen > 0),
    note TEXT NOT NULL,
    status {code} NOT NULL CONSTRAINT dividends_status_known CHECK (status IN ('proposed', 'approved', 'rejected')),
    proposed_by {uuid} NOT NULL,
    proposed_at BIGINT NOT NULL,
    decided_by {uuid},
    decided_at BIGINT,
    decided_reason TEXT,
    CONSTRAINT dividends_pk PRIMARY KEY (village, id),
    CONSTRAINT dividends_ranking_fk FOREIGN KEY (village, year) REFERENCES year_rankings (village, year),
    CONSTRAINT dividends_four_eyes CHECK (decided_by IS NULL OR decided_by <> proposed_by),
    CONSTRAINT dividends_decided CHECK ((status = 'proposed') = (decided_by IS NULL))
)

CREATE UNIQUE INDEX dividends_one_a_year ON dividends (village, year) WHERE status <> 'rejected'

CREATE TABLE awards (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    year {code} NOT NULL,
    kind {code} NOT NULL CONSTRAINT awards_kind_known CHECK (kind IN ('rank_award', 'dividend')),
    place BIGINT NOT NULL,
    rank BIGINT NOT NULL,
    household {uuid} NOT NULL,
    item {code} NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    value_fen BIGINT NOT NULL CONSTRAINT awards_value_range CHECK (value_fen >= 0),
    funding {code} NOT NULL,
    dividend {uuid},
    status {code} NOT NULL CONSTRAINT awards_status_known CHECK (status IN ('granted', 'collected', 'lapsed')),
    granted_at BIGINT NOT NULL,
    lapses_at BIGINT NOT NULL,
    closed_at BIGINT,
    clerk {uuid},
    bearer {uuid},
    wrong_codes BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT awards_pk PRIMARY KEY (village, id),
    CONSTRAINT awards_place_unique UNIQUE (village, year, kind, place),
    CONSTRAINT awards_household_unique UNIQUE (village, year, kind, household),
    CONSTRAINT awards_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT awards_ranking_fk FOREIGN KEY (village, year) REFERENCES year_rankings (village, year),
    CONSTRAINT awards_dividend_fk FOREIGN KEY (village, dividend) REFERENCES dividends (village, id),
    CONSTRAINT awards_of_a_dividend CHECK ((kind = 'dividend') = (dividend IS NOT NULL)),
    CONSTRAINT awards_closed_when CHECK ((status = 'granted') = (closed_at IS NULL)),
    CONSTRAINT awards_handed_over_by CHECK ((status = 'collected') = (clerk IS NOT NULL))
)

CREATE INDEX awards_by_household ON awards (village, household)

CREATE INDEX awards_by_dividend ON awards (village, dividend) WHERE dividend IS NOT NULL

CREATE INDEX awards_granted ON awards (village, lapses_at) WHERE status = 'granted'

{refuse awards_closed_for_ever | UPDATE ON awards | OLD.status <> 'granted'}

CREATE TABLE vetoes (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    household {uuid} NOT NULL,
    year {code} NOT NULL,
    ground {code} NOT NULL CONSTRAINT vetoes_ground_known CHECK (ground IN ('crime', 'public_order', 'gambling', 'illegal_building', 'other')),
    reason TEXT NOT NULL,
    reference TEXT NOT NULL,
    status {code} NOT NULL CONSTRAINT vetoes_status_known CHECK (status IN ('proposed', 'approved', 'rejected')),
    proposed_by {uuid} NOT NULL,
    proposed_at BIGINT NOT NULL,
    statement TEXT,
    stated_by {uuid},
    stated_at BIGINT,
    decided_by {uuid},
    decided_at BIGINT,
    decided_reason TEXT,
    CONSTRAINT vetoes_pk PRIMARY KEY (village, id),
    CONSTRAINT vetoes_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT vetoes_four_eyes CHECK (decided_by IS NULL OR decided_by <> proposed_by),
    CONSTRAINT vetoes_decided CHECK ((status = 'proposed') = (decided_by IS NULL))
)

CREATE UNIQUE INDEX vetoes_one_a_year ON vetoes (village, household, year) WHERE status <> 'rejected'

CREATE INDEX vetoes_by_year ON vetoes (village, year) WHERE status = 'approved'

CREATE TABLE honours (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    household {uuid} NOT NULL,
    item {code} NOT NULL,
    period {code} NOT NULL,
    reason TEXT NOT NULL,
    status {code} NOT NULL CONSTRAINT honours_status_known CHECK (status IN ('proposed', 'granted', 'rejected', 'withdrawing', 'withdrawn')),
    proposed_by {uuid} NOT NULL,
    proposed_at BIGINT NOT NULL,
    decided_by {uuid},
    decided_at BIGINT,
    decided_reason TEXT,
    plaque BIGINT,
    claim {uuid},
    withdrawal_reason TEXT,
    plaque_returned BOOLEAN,
    withdrawal_by {uuid},
    withdrawn_by {uuid},
    withdrawn_at BIGINT,
    CONSTRAINT honours_pk PRIMARY KEY (village, id),
    CONSTRAINT honours_plaque_unique UNIQUE (village, plaque),
    CONSTRAINT honours_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT honours_claim_fk FOREIGN KEY (village, claim) REFERENCES claims (village, id),
    CONSTRAINT honours_four_eyes CHECK (decided_by IS NULL OR decided_by <> proposed_by),
    CONSTRAINT honours_withdrawal_four_eyes CHECK (withdrawn_by IS NULL OR withdrawn_by <> withdrawal_by),
    CONSTRAINT honours_plaque_when CHECK ((status IN ('granted', 'withdrawing', 'withdrawn')) = (plaque IS NOT NULL)),
    CONSTRAINT honours_withdrawn_when CHECK ((status = 'withdrawn') = (withdrawn_at IS NOT NULL))
)

CREATE UNIQUE INDEX honours_once ON honours (village, household, item, period) WHERE status <> 'rejected'

{refuse honours_plaque_stays | UPDATE ON honours | OLD.plaque IS NOT NULL AND (NEW.plaque IS NULL OR NEW.plaque <> OLD.plaque)}
";

crate::step! {
    up: UP,
    tables: ["honours", "vetoes", "awards", "dividends", "award_items", "award_schemes", "ranking_objections", "final_standings", "year_rankings"],
    functions: ["final_standings_closed", "year_rankings_final_for_ever", "awards_closed_for_ever", "honours_plaque_stays"]
}

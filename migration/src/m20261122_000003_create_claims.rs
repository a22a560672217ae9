//! Rule sets and their rules; claims and the reviews of each step.

const UP: &str = r"
CREATE TABLE rule_sets (
    id {uuid} NOT NULL CONSTRAINT rule_sets_pk PRIMARY KEY,
    region {code} NOT NULL CONSTRAINT rule_sets_region_fk REFERENCES regions (code),
    version {code} NOT NULL,
    status {code} NOT NULL CONSTRAINT rule_sets_status_known CHECK (status IN ('draft', 'consulting', 'adopted', 'published', 'superseded')),
    effective_on {code} NOT NULL,
    month_bonus_max BIGINT NOT NULL CONSTRAINT rule_sets_month_bonus_range CHECK (month_bonus_max > 0),
    month_deduction_max BIGINT NOT NULL CONSTRAINT rule_sets_month_deduction_range CHECK (month_deduction_max > 0),
    entry_max BIGINT NOT NULL CONSTRAINT rule_sets_entry_range CHECK (entry_max > 0),
    created_by {uuid},
    created_at BIGINT NOT NULL,
    CONSTRAINT rule_sets_version_unique UNIQUE (region, version),
    CONSTRAINT rule_sets_effect_unique UNIQUE (region, effective_on)
)

CREATE TABLE rules (
    rule_set {uuid} NOT NULL CONSTRAINT rules_rule_set_fk REFERENCES rule_sets (id),
    key {code} NOT NULL,
    category {code} NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    direction {code} NOT NULL CONSTRAINT rules_direction_known CHECK (direction IN ('bonus', 'deduction')),
    points_min BIGINT NOT NULL,
    points_max BIGINT NOT NULL,
    default_points BIGINT NOT NULL,
    unit {code} NOT NULL,
    counted_per {code} NOT NULL CONSTRAINT rules_counted_per_known CHECK (counted_per IN ('household', 'member')),
    evidence TEXT NOT NULL,
    cap_period {code} NOT NULL CONSTRAINT rules_cap_period_known CHECK (cap_period IN ('event', 'month', 'quarter', 'half_year', 'year', 'lifetime_member')),
    cap_times BIGINT NOT NULL CONSTRAINT rules_cap_times_range CHECK (cap_times > 0),
    cap_points BIGINT NOT NULL,
    source {code} NOT NULL,
    chain TEXT NOT NULL,
    claim_within_days BIGINT,
    dedupe {code} NOT NULL,
    requires_hearing BOOLEAN NOT NULL,
    warn_first BOOLEAN NOT NULL,
    remediation_days BIGINT,
    refund_on_remediation BOOLEAN NOT NULL,
    veto {code},
    sensitive BOOLEAN NOT NULL,
    level_points TEXT NOT NULL,
    basis {code},
    note TEXT,
    publicly_itemised BOOLEAN NOT NULL,
    enabled BOOLEAN NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT rules_pk PRIMARY KEY (rule_set, key),
    CONSTRAINT rules_points_range CHECK (points_min <= default_points AND default_points <= points_max),
    CONSTRAINT rules_sign CHECK ((direction = 'bonus' AND points_min > 0) OR (direction = 'deduction' AND points_max < 0))
)

CREATE TABLE claims (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    household {uuid} NOT NULL,
    grid {code} NOT NULL,
    member {uuid},
    rule_set {uuid} NOT NULL,
    rule {code} NOT NULL,
    category {code} NOT NULL,
    source {code} NOT NULL CONSTRAINT claims_source_known CHECK (source IN ('claim', 'inspection', 'committee', 'import')),
    count BIGINT NOT NULL CONSTRAINT claims_count_range CHECK (count BETWEEN 1 AND 1000),
    points BIGINT NOT NULL,
    occurred_on {code} NOT NULL,
    event TEXT,
    note TEXT,
    evidence TEXT NOT NULL,
    filed_by {uuid} NOT NULL,
    on_behalf BOOLEAN NOT NULL,
    submitted_at BIGINT NOT NULL,
    status {code} NOT NULL CONSTRAINT claims_status_known CHECK (status IN ('submitted', 'in_review', 'returned', 'approved', 'scored', 'confirmed', 'rejected', 'withdrawn', 'lapsed', 'overturned', 'reversed')),
    step BIGINT NOT NULL,
    decided_reason TEXT,
    approved_at BIGINT,
    week {code},
    dedupe {code} NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT claims_pk PRIMARY KEY (village, id),
    CONSTRAINT claims_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT claims_rule_fk FOREIGN KEY (rule_set, rule) REFERENCES rules (rule_set, key),
    CONSTRAINT claims_approved_in_a_week CHECK ((approved_at IS NULL) = (week IS NULL))
)

CREATE UNIQUE INDEX claims_one_per_deed ON claims (village, dedupe) WHERE status NOT IN ('rejected', 'withdrawn', 'lapsed', 'overturned', 'reversed')

CREATE INDEX claims_by_week ON claims (village, week)

CREATE INDEX claims_by_household ON claims (village, household, id)

CREATE INDEX claims_in_review ON claims (village, id) WHERE status IN ('submitted', 'in_review')

CREATE TABLE reviews (
    village {code} NOT NULL,
    claim {uuid} NOT NULL,
    step BIGINT NOT NULL,
    person {uuid} NOT NULL,
    decision {code} NOT NULL CONSTRAINT reviews_decision_known CHECK (decision IN ('approve', 'reject')),
    points BIGINT,
    reason TEXT,
    at BIGINT NOT NULL,
    CONSTRAINT reviews_pk PRIMARY KEY (village, claim, step, person),
    CONSTRAINT reviews_claim_fk FOREIGN KEY (village, claim) REFERENCES claims (village, id)
)

{append_only:reviews}

{refuse reviews_four_eyes | INSERT ON reviews | EXISTS (SELECT 1 FROM claims c LEFT JOIN members m ON m.village = c.village AND m.household = c.household AND m.person = NEW.person WHERE c.village = NEW.village AND c.id = NEW.claim AND (c.filed_by = NEW.person OR m.person IS NOT NULL))}
";

crate::step! {
    up: UP,
    tables: ["reviews", "claims", "rules", "rule_sets"],
    functions: ["reviews_four_eyes"]
}

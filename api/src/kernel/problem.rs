//! Every way a request can be refused, in one table, and the body that says so (RFC 9457).
//!
//! Rules return a [`Code`] or a [`Refusal`] and know no HTTP. What is not a refusal is a fault: its
//! cause is logged once with the request id and never sent.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use sea_orm::DbErr;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Instant;

/// The result of anything a request does.
pub type Outcome<T> = Result<T, Problem>;

macro_rules! codes {
    ($($name:ident $code:literal $status:literal $zh:literal $en:literal $advice:literal;)*) => {
        /// A stable word for one way a request is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($name),* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The HTTP status this code is sent with.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// A title for people, in Chinese or English.
            pub fn title(self, english: bool) -> &'static str {
                match self { $(Self::$name => if english { $en } else { $zh }),* }
            }

            /// What the client can do about it.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice),* }
            }
        }
    };
}

codes! {
    BodyMissing "body_missing" 400 "缺少请求正文" "The request has no body" "Send a JSON object.";
    MalformedJson "malformed_json" 400 "请求正文不是正确的 JSON" "The body is not the JSON this operation reads" "Compare the body with the schema; `errors` points at the place.";
    MalformedUpload "malformed_upload" 400 "上传的表单格式不正确" "The upload is not the form that this operation reads" "Send multipart/form-data as `wx.uploadFile` does: one file and the documented fields, each once.";
    UnknownField "unknown_field" 400 "请求中有不认识的字段" "The body has a field this operation does not know" "Remove the field that `errors` names.";
    InvalidPath "invalid_path" 400 "地址中的编号格式不正确" "A part of the path is not of its form" "Compare the path with the documented patterns.";
    InvalidQuery "invalid_query" 400 "查询参数不正确" "A query parameter is unknown, repeated or not of its form" "Compare the query with the documented parameters.";
    InvalidHeader "invalid_header" 400 "请求头不正确" "A header is repeated or not of its form" "Send the header once, in its documented form.";
    InvalidCursor "invalid_cursor" 400 "翻页游标不正确" "The cursor does not belong to this list" "Start again without a cursor.";
    IdempotencyKeyMissing "idempotency_key_missing" 400 "缺少 Idempotency-Key 请求头" "The Idempotency-Key header is missing" "Make one key per intended effect and send it with every try.";
    IdempotencyKeyInvalid "idempotency_key_invalid" 400 "Idempotency-Key 格式不正确" "The Idempotency-Key is not 1 to 255 visible ASCII characters" "Send a UUID.";
    TokenMissing "token_missing" 401 "请先登录" "No access token was sent" "Log in and send `Authorization: Bearer …`.";
    TokenInvalid "token_invalid" 401 "登录已失效，请重新登录" "The access token is expired or not valid" "Log in again.";
    WechatCodeInvalid "wechat_code_invalid" 401 "微信登录凭证无效，请重试" "WeChat does not know the code, or it was used" "Call `wx.login` again and send the new code.";
    RefreshTokenInvalid "refresh_token_invalid" 401 "登录已失效，请重新登录" "The refresh token is unknown, used, expired or of another device" "Log in again.";
    LoginFailed "login_failed" 401 "账号、密码或验证码不正确" "Name, password or code is wrong" "Try again; after five failures the name is locked for 15 minutes.";
    WechatBlocked "wechat_blocked" 403 "微信判定该账号存在风险" "WeChat considers the user a risk" "Ask the grid worker to file for the household.";
    AccountDisabled "account_disabled" 403 "账号已停用" "The account is disabled" "Ask the village.";
    PasswordWrong "password_wrong" 403 "原密码不正确" "The present password is wrong" "Try again; after five failures it is locked for 15 minutes.";
    LinkExpired "link_expired" 403 "链接已过期，请重新打开" "The link has expired" "Ask for the thing again: the answer holds a new link.";
    RoleAboveOwn "role_above_own" 403 "不能授予或管理高于本人的职责" "The role is not below your own" "Ask somebody of higher rank.";
    RoleRequired "role_required" 403 "您没有办理此事的职责" "Your roles do not allow this" "Ask somebody with the documented role.";
    OtherHousehold "other_household" 403 "不能替别的家庭办理" "This is for the household's own members" "Act for your own household.";
    ConflictOfInterest "conflict_of_interest" 403 "涉及本人、本户或近亲，应当回避" "Your own person, household or kin is concerned" "Leave it to somebody else.";
    NotFound "not_found" 404 "没有找到" "Nothing is here for you" "Check the address; what lies outside your scope also answers this.";
    MethodNotAllowed "method_not_allowed" 405 "此地址不支持该方法" "This path does not know the method" "Use a method named in `Allow`.";
    IdempotencyInFlight "idempotency_in_flight" 409 "相同的请求正在处理" "The same request is being processed" "Wait as `Retry-After` says and send it again.";
    IdTaken "id_taken" 409 "编号已被使用" "This id is already in use" "If this is a retry, send the first Idempotency-Key; else make a new id.";
    AlreadyBound "already_bound" 409 "这个人已属于另一户" "This person already belongs to an active household" "Move the person out first.";
    RequestWaiting "request_waiting" 409 "已有申请等待网格员核实" "A request is waiting for the grid worker" "Wait for the decision.";
    LoginTaken "login_taken" 409 "登录名已被使用，或该人已有登录名" "The login name is in use, or the person has one" "Choose another name.";
    DuplicateClaim "duplicate_claim" 409 "这件事已经申报过" "This deed has already been claimed" "See the claim in `existing`.";
    WrongState "wrong_state" 409 "当前状态不能这样办理" "The present state does not allow this" "Read `current` and reload.";
    PhotoAwaited "photo_awaited" 409 "佐证照片还没有上传" "A photo that shows the deed is still to be uploaded" "Wait until whoever filed it has uploaded the photo.";
    AlreadyReviewed "already_reviewed" 409 "您已审核过这一步" "You have already reviewed this step" "Nothing more to do.";
    HearingOpen "hearing_open" 409 "应先告知户主并听取陈述" "The household was told and can still answer" "Record its statement, or wait until `opens_at`.";
    WeekNotOver "week_not_over" 409 "本周尚未结束" "The week is not over" "Wait until Monday 00:00, village time.";
    ListNotOpen "list_not_open" 409 "不在公示期内" "The public list takes no objections now" "Before it opens, come back at `opens_at`. After it has closed only the committee or the township can propose a reversal: tell them the month and the number of the line.";
    ObjectionExists "objection_exists" 409 "您对这一条已有未办结的异议" "You already have an open objection to this line" "Wait for its decision; against that you can appeal.";
    NothingToAppeal "nothing_to_appeal" 409 "决定没有让您一方受损，无须申诉" "The decision took nothing from your side" "Only the side that lost something appeals.";
    PriceChanged "price_changed" 409 "兑换所需积分已变动，请重新确认" "The price is not the one that was seen" "Show the present price, which is `points`, and ask again; with the family's consent send it under a new Idempotency-Key.";
    WindowClosed "window_closed" 409 "现在不在兑换期" "The redemption window is closed" "Come back at `opens_at`.";
    ConsultationOpen "consultation_open" 409 "征求意见期未满" "The village is still being consulted" "Hold the vote from `opens_at` on.";
    FrameworkChanged "framework_changed" 409 "上级细则框架已更新，须按新框架重新拟定" "Another framework holds on that day than the one the draft was written for" "Write the draft anew inside the framework in `existing`.";
    PrizeNotOffered "prize_not_offered" 409 "这种奖品现在不兑换" "The prize is not offered now" "Choose another prize from the village's list.";
    SoldOut "sold_out" 409 "已兑完" "The prize is sold out" "Choose another prize.";
    OpenHolds "open_holds" 409 "还有未取的兑换" "Prizes are still held for the household" "Have them collected or cancelled first.";
    OpenReversals "open_reversals" 409 "有积分正在冲正审核中" "Points of the household are under a reversal that is not decided" "Wait for its decision.";
    LineNotConfirmed "line_not_confirmed" 409 "该条尚未确认" "The line is not confirmed yet" "Object to it while its public list is open.";
    ReversalOfReversal "reversal_of_reversal" 409 "冲正不能再冲正" "A reversal is not reversed" "Propose an adjustment that restores the line.";
    ReversalExists "reversal_exists" 409 "该条已有未办结的冲正" "A reversal of this line waits for its decision" "See the reversal in `existing`.";
    AlreadyProposed "already_proposed" 409 "您已对该条提过冲正，未获通过" "You have proposed to take this line back before, and it was dropped or lapsed" "See that proposal in `existing`; only somebody else can propose it anew.";
    ReversalExceedsLine "reversal_exceeds_line" 409 "冲正分值超过该条所剩积分" "Less of the line is left than is to be taken back" "Read what is left of the line.";
    AdjustmentExceedsLoss "adjustment_exceeds_loss" 409 "恢复分值超过该条被扣去的积分" "Less was taken of the line, or it is being given back already" "Read what was taken of the line.";
    AppealDecided "appeal_decided" 409 "该条已有申诉决定，村里不能再改变" "An appeal took this line's points; the village cannot give them back" "The decision on an appeal stands.";
    HouseholdNotActive "household_not_active" 409 "该户档案已停用" "The household's file is not active" "Ask the village.";
    RankingNotFinal "ranking_not_final" 409 "年度排名尚未确定" "The year's ranking is not final" "Wait until its publicity is over and every objection to it is decided.";
    DividendExists "dividend_exists" 409 "该年度已有分红方案" "There is a dividend for this year already" "Have the one that is proposed rejected first; an approved one stays.";
    VetoExists "veto_exists" 409 "该户本年度已有一票否决提议或决定" "There is a veto for this household and year already" "Nothing more to do, or wait for its decision.";
    DuplicateHonour "duplicate_honour" 409 "该户本期已有此项荣誉" "The household has this honour for this period already" "See the honour in `existing`.";
    GrantExists "grant_exists" 409 "此人已担任该职责" "The person holds this role here already" "See the grant in `existing`; end it first to change its dates.";
    LastAdmin "last_admin" 409 "不能免去本县最后一名管理员" "This is the county's last administrator" "Appoint another one first.";
    PreconditionFailed "precondition_failed" 412 "内容已被他人更改，请刷新后重试" "It has changed since you read it" "Read it again and send its new ETag in `If-Match`.";
    BodyTooLarge "body_too_large" 413 "请求正文过大" "The body is too large" "Send less at a time.";
    UnsupportedMediaType "unsupported_media_type" 415 "请求正文的格式不受支持" "The body is not of the media type this operation reads" "Set `Content-Type: application/json`; files have their own types, none is compressed.";
    InvalidField "invalid_field" 422 "填写的内容不符合要求" "A field breaks a rule" "`errors` names each field and its rule.";
    IdempotencyKeyReused "idempotency_key_reused" 422 "Idempotency-Key 已用于另一请求" "This key was used with another request" "Make a new key for a new effect.";
    PhotoUnreadable "photo_unreadable" 422 "照片已损坏，无法打开" "The photo is broken or not all there" "Send it again, or take another one.";
    PhotoOutsized "photo_outsized" 422 "照片尺寸过大" "The photo has more than 8192 pixels on a side, more than 24 million in all, or takes too much memory" "Send a smaller one: `wx.compressImage` makes it.";
    RuleNotInForce "rule_not_in_force" 422 "细则在当天不适用" "The rule was not in force on the day of the deed" "Choose a rule from the village's list.";
    ClaimTooLate "claim_too_late" 422 "已超过申报期限" "The deed is too long ago to be claimed" "Ask the committee, who may admit it with a reason.";
    ClaimInFuture "claim_in_future" 422 "事情还没有发生" "The deed lies in the future" "Claim it when it is done.";
    GuardianNeeded "guardian_needed" 422 "未满14周岁不能单独登录，请由监护人办理" "Under 14 one does not log in alone" "Ask a grown-up of the household to log in.";
    EvidenceMissing "evidence_missing" 422 "佐证不齐" "Evidence that the rule asks for is missing" "`errors` names what is missing.";
    MemberRequired "member_required" 422 "请选择是哪位家庭成员" "The rule counts per member: say which one" "Send `member`.";
    ConsentMissing "consent_missing" 422 "代申报须记录本户何人同意" "Whoever files for another household records who of it agreed" "Ask somebody of the household and send `consent`.";
    EventRequired "event_required" 422 "请填写活动或编号" "The rule needs the event, ticket or certificate it is about" "Send `event`.";
    WarningNeeded "warning_needed" 422 "首次应先提醒，不扣分" "A first time is only warned of" "Warn the household (`POST …/warnings`); only what happens after that day can cost points.";
    OutsideRange "outside_range" 422 "分值超出细则范围" "The points lie outside the rule's range" "Keep within `points_min` and `points_max`.";
    OutsideFramework "outside_framework" 422 "超出上级细则框架" "The village's rules leave the framework" "`errors` names each item and field, and what the framework allows.";
    ItemForbidden "item_forbidden" 422 "此类事项不得计分" "No points may be given or taken for this" "`errors` names each item and the reason: take it out.";
    ReasonRequired "reason_required" 422 "请写明理由" "A reason is required" "Send a readable `reason`.";
    InsufficientPoints "insufficient_points" 422 "可用积分不足" "The household has too few spendable points" "See `…/points` for what is spendable and why the rest is not yet.";
    HouseholdLimit "household_limit" 422 "已达到本户本期限额" "The household has reached its limit in this window" "Wait for the next window.";
    DividendWithoutPoints "dividend_without_points" 422 "没有农户得分，不能分红" "Nobody earned points in the year: nothing is distributed" "Nothing to do.";
    HonourCriteriaUnmet "honour_criteria_unmet" 422 "该户本期不符合授予条件" "The household does not meet the honour's criteria" "Choose another household or period.";
    PickupCodeWrong "pickup_code_wrong" 422 "取货码不正确" "The pickup code is wrong" "Try again; after five wrong codes it is locked.";
    SecondFactorMissing "second_factor_missing" 422 "核发前须有第二重确认" "Handing over needs what the official does not have" "Send the pickup code, or for those helped the household's PIN, or have a second official witness it in the last 15 minutes.";
    PinWrong "pin_wrong" 422 "户密码不正确" "The household's PIN is wrong" "Try again; after five wrong ones in a row it is locked.";
    BudgetExceeded "budget_exceeded" 422 "超出本期该资金来源的预算" "Stock would be worth more than the funding source's budget of the window" "Take in less, or have the budget raised first.";
    RosterRefused "roster_refused" 422 "名册有误，未导入任何一行" "The roster has errors; nothing was imported" "`errors` names row and column; try with `dry_run=true` first.";
    ConsentTextChanged "consent_text_changed" 422 "告知同意书不是现行版本" "This is not the consent text in force" "Read `/v1/consent-text` and show it again.";
    PeriodsOutOfRange "periods_out_of_range" 422 "起止时间颠倒，或一次超过60期" "The span is backwards, or has more than 60 periods" "Ask for a shorter span, or by longer periods.";
    ClockBackwards "clock_backwards" 422 "沙箱时钟只能向前" "The sandbox clock only moves forward" "Send a later instant.";
    ClockTooFar "clock_too_far" 422 "沙箱时钟一次最多前进400天" "The sandbox clock moves at most 400 days at a time" "Go there in steps.";
    NearRelatives "near_relatives" 422 "监督委员会成员与其他成员、评议小组成员或超市管理员有近亲关系" "Near relatives may not sit in, or be overseen by, the supervising body" "Choose somebody who is of no member's household or kin.";
    PreconditionRequired "precondition_required" 428 "缺少 If-Match 请求头" "The If-Match header is missing" "Read the thing first and send its ETag.";
    PickupCodeLocked "pickup_code_locked" 429 "取货码已锁定" "The pickup code is locked after five wrong ones" "Clerk and grid worker hand it over together, or cancel the redemption and make a new one.";
    PinLocked "pin_locked" 429 "户密码已锁定" "The household's PIN is locked after five wrong ones in a row" "Its head or the committee sets a new one.";
    LoginLocked "login_locked" 429 "失败次数过多，已锁定15分钟" "Too many failures: locked for 15 minutes" "Wait as `Retry-After` says.";
    WechatLimited "wechat_limited" 429 "登录过于频繁，请稍后再试" "WeChat limits how often one may log in" "Wait as `Retry-After` says, then call `wx.login` again.";
    SuggestionLimit "suggestion_limit" 429 "本月建议次数已满，请下月再提" "You have made all the suggestions of this month" "Wait as `Retry-After` says.";
    ObjectionLimit "objection_limit" 429 "24小时内提出的异议已满20条，请稍后再提" "Your household has made 20 objections within 24 hours" "Wait as `Retry-After` says.";
    TooManyTries "too_many_tries" 429 "尝试次数过多，请稍后再试" "Too many wrong tries" "Wait as `Retry-After` says.";
    PhotoQuota "photo_quota" 429 "照片上传过多，请稍后再试" "Too many photos: 60 a day, and 200 that no claim uses" "Wait as `Retry-After` says, or delete photos that no claim uses.";
    Internal "internal" 500 "系统出错" "Something went wrong on our side" "Report the request id in `instance`.";
    WechatUnavailable "wechat_unavailable" 503 "暂时无法连接微信" "WeChat does not answer as it should" "Wait as `Retry-After` says, then call `wx.login` again.";
    Busy "busy" 503 "系统繁忙，请稍后再试" "The system is busy" "Wait as `Retry-After` says and send the same request again.";
}

/// A request that was understood and refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub code: Code,
    pub detail: Option<Box<str>>,
    pub errors: Vec<FieldError>,
    /// The present state of the thing, on 409.
    pub current: Option<Box<str>>,
    /// The thing that is in the way.
    pub existing: Option<Uuid>,
    /// When the refused thing becomes possible.
    pub opens_at: Option<Instant>,
    /// What the refused thing costs now, in points.
    pub points: Option<i64>,
    /// Seconds until a retry makes sense.
    pub retry_after: Option<u32>,
}

/// One field of the body and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer into the body.
    #[schema(example = "/occurred_on")]
    pub pointer: String,
    #[schema(example = "range")]
    pub code: String,
    #[schema(example = "at least 1")]
    pub detail: String,
}

impl Refusal {
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into().into_boxed_str());
        self
    }

    pub fn at(mut self, pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        let (pointer, code) = (pointer.to_owned(), code.to_owned());
        self.errors.push(FieldError { pointer, code, detail: detail.into() });
        self
    }

    pub fn existing(mut self, id: Uuid) -> Self {
        self.existing = Some(id);
        self
    }

    /// The action is not possible in the state `current`.
    pub fn wrong_state(current: impl Into<String>) -> Self {
        let mut refusal = Self::from(Code::WrongState);
        refusal.current = Some(current.into().into_boxed_str());
        refusal
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        let none = (None, Vec::new(), None, None, None, None, None);
        let (detail, errors, current, existing, opens_at, points, retry_after) = none;
        Self { code, detail, errors, current, existing, opens_at, points, retry_after }
    }
}

/// Why a request has no good answer.
#[derive(Debug)]
pub enum Problem {
    Refused(Box<Refusal>),
    Database(DbErr),
    /// Our own data or code is not as it must be.
    Fault(String),
}

impl Problem {
    pub fn fault(what: impl Into<String>) -> Self {
        Self::Fault(what.into())
    }

    /// What the client is told.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => (**refusal).clone(),
            Self::Database(error) if super::db::is_passing(error) => {
                Refusal { retry_after: Some(1), ..Code::Busy.into() }
            }
            Self::Database(_) | Self::Fault(_) => Code::Internal.into(),
        }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Refusal::from(code).into()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<DbErr> for Problem {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => f.write_str(refusal.code.as_str()),
            Self::Database(error) => error.fmt(f),
            Self::Fault(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.refusal().code.status()).unwrap_or_default()
    }

    /// Only the status: the body is written by [`crate::http::answer_problems`], which knows the
    /// request's language and id.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// RFC 9457 problem details, sent as `application/problem+json` for every refusal and fault.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Where this kind of problem is explained; ends in the code.
    #[serde(rename = "type")]
    #[schema(example = "/problems/window_closed")]
    pub kind: String,
    #[schema(example = "现在不在兑换期")]
    pub title: &'static str,
    #[schema(example = 409)]
    pub status: u16,
    /// The stable word to branch on.
    #[schema(example = "window_closed")]
    pub code: &'static str,
    /// What the client can do, or more about this case.
    #[schema(example = "Come back at `opens_at`.")]
    pub detail: String,
    /// The request id.
    #[schema(example = "0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11")]
    pub instance: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The present state, on 409.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "collected")]
    pub current: Option<String>,
    /// The thing that is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11")]
    pub existing: Option<Uuid>,
    /// When it becomes possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub opens_at: Option<Instant>,
    /// What it costs now, in points, for all that was asked for; with `price_changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 25)]
    pub points: Option<i64>,
}

impl ProblemBody {
    pub fn new(refusal: Refusal, english: bool, instance: String) -> Self {
        let code = refusal.code;
        Self {
            kind: format!("/problems/{}", code.as_str()),
            title: code.title(english),
            status: code.status(),
            code: code.as_str(),
            detail: refusal.detail.map_or_else(|| code.advice().to_owned(), String::from),
            instance,
            errors: refusal.errors,
            current: refusal.current.map(String::from),
            existing: refusal.existing,
            opens_at: refusal.opens_at,
            points: refusal.points,
        }
    }
}

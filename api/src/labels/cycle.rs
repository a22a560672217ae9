//! The words of the cycle: rules, claims, scoring, publicity, redemption, rankings.

super::labels! {
    category {
        "living_environment" "人居环境整治" "Living environment";
        "family_virtue" "家庭美德" "Family virtue";
        "patriotism" "爱国爱党" "Patriotism";
        "law_abiding" "遵纪守法" "Law-abiding";
        "public_welfare" "公益美德" "Public welfare";
        "enterprise" "兴业致富" "Enterprise";
        "rural_construction" "乡村建设" "Rural construction";
        "safety_deliberation" "平安建设与议事参与" "Safety and deliberation";
    }
    proof_flaw {
        "malformed" "内容不完整或格式不对" "Something is incomplete or not of its form";
        "wrong_place" "这一条不是这张名单上这个位置的" "The line is of another list or another place";
        "not_included" "内容与签名的名单不一致，有人改过" "The lines are not those that were signed";
        "signature_invalid" "签名不对，不是用这把公钥签的" "The signature is not by this key";
        "list_unknown" "没有公示过这张名单" "No such list was published";
    }
    direction {
        "bonus" "加分" "Bonus"; "deduction" "扣分" "Deduction";
    }
    source {
        "claim" "农户申报" "Claim"; "inspection" "网格员巡查" "Inspection";
        "committee" "评议认定" "Committee"; "import" "名单导入" "Import";
    }
    counted_per {
        "household" "按户" "Per household"; "member" "按人" "Per member";
    }
    coming_kind {
        "list_closes" "公示结束" "Publicity ends"; "week_closes" "一周评分" "Week is scored";
        "list_opens" "公示开始" "Publicity begins"; "window_opens" "兑换窗口开放" "Shop opens";
        "window_closes" "兑换窗口关闭" "Shop closes"; "year_ends" "年度排名" "Year is ranked";
    }
    cap_period {
        "event" "每次活动" "Per event"; "month" "每月" "Per month"; "quarter" "每季度" "Per quarter";
        "half_year" "每半年" "Per half-year"; "year" "每年" "Per year";
        "lifetime_member" "每人一次性" "Once in a person's life";
    }
    rule_set_status {
        "draft" "草案" "Draft"; "consulting" "征求意见" "In consultation"; "adopted" "已表决通过" "Adopted";
        "published" "已发布" "Published"; "superseded" "已被新版取代" "Superseded"; "withdrawn" "已撤回" "Withdrawn";
    }
    electorate {
        "adults" "村民会议（18周岁以上村民）" "Assembly of adult villagers";
        "household_delegates" "村民会议（每户代表）" "Assembly of one delegate a household";
        "representatives" "村民代表会议" "Meeting of representatives";
    }
    suggestion_status {
        "open" "待答复" "Open"; "adopted" "已采纳" "Adopted"; "declined" "未采纳" "Declined";
    }
    suggestion_decision {
        "adopted" "采纳" "Adopted"; "declined" "不采纳" "Declined";
    }
    photo_media {
        "image/jpeg" "JPEG 照片" "JPEG picture";
    }
    unit {
        "per_case" "每件" "Per case"; "per_certificate" "每证" "Per certificate";
        "per_check" "每次检查" "Per check"; "per_citation" "每次表彰" "Per citation";
        "per_decision" "每次决定" "Per decision"; "per_dog" "每只犬" "Per dog";
        "per_elder" "每位老人" "Per elder"; "per_event" "每次活动" "Per event";
        "per_honour" "每项荣誉" "Per honour"; "per_household_led" "每带动一户" "Per household led";
        "per_household_time" "每户次" "Per household and time"; "per_month" "每月" "Per month";
        "per_person" "每人" "Per person"; "per_person_time" "每人次" "Per person and time";
        "per_project" "每个项目" "Per project"; "per_quarter" "每季度" "Per quarter";
        "per_season" "每季节" "Per season"; "per_suggestion" "每条建议" "Per suggestion";
        "per_ticket" "每件工单" "Per ticket"; "per_time" "每次" "Per time"; "per_vote" "每次投票" "Per vote";
        "per_week" "每周" "Per week"; "per_year" "每年" "Per year";
    }
    evidence_kind {
        "certificate" "证书或凭证" "Certificate"; "committee_record" "评议记录" "Committee record";
        "import" "导入名单" "Imported list"; "inspection_record" "巡查记录" "Inspection record";
        "mediation_record" "调解记录" "Mediation record"; "official_decision" "职能部门决定" "Official decision";
        "photo" "照片" "Photo"; "photo_before_after" "前后对比照片" "Photos before and after";
        "sign_in_sheet" "签到表" "Sign-in sheet"; "system" "系统记录" "System record";
        "ticket" "工单" "Ticket"; "two_witnesses" "两名见证人" "Two witnesses";
    }
    honour_level {
        "province" "省级" "Province"; "county" "县级" "County"; "township" "镇级" "Township";
        "village" "村级" "Village"; "second_class_or_above" "二等功及以上" "Second-class merit or above";
        "third_class" "三等功" "Third-class merit";
    }
    veto {
        "honour_and_rank_award_year" "当年取消荣誉与名次奖" "No honour or rank award this year";
    }
    basis {
        "report" "公开报道" "Report"; "public" "公开文件" "Public document"; "common" "通行做法" "Common practice";
        "ours" "本系统设定" "Set by this system";
    }
    chain_name {
        "std" "一般流程" "Standard"; "grid" "网格巡查流程" "Inspection"; "committee" "评议流程" "Committee";
        "deduct" "扣分流程" "Deduction"; "township" "镇级审定流程" "Township"; "auto" "系统记录抽查流程" "Records, sampled";
    }
    review_step {
        "precheck" "初审" "Precheck"; "panel" "评议" "Panel"; "approval" "审定" "Approval";
        "vote" "委员会表决" "Vote"; "hearing" "听取户主意见" "Hearing"; "sample" "抽查" "Sampling";
    }
    review_scope {
        "grid" "本网格" "The grid"; "household" "本户" "The household"; "village" "本村" "The village";
        "township" "本镇" "The township";
    }
    step_role {
        "grid_worker" "网格员" "Grid worker"; "panel" "评议小组" "Panel"; "committee" "监督管理委员会" "Committee";
        "township" "镇级" "Township"; "household_head" "户主" "Head of the household";
    }
    claim_status {
        "submitted" "已提交" "Submitted"; "in_review" "审核中" "In review"; "returned" "退回补正" "Returned";
        "approved" "已通过，待评分" "Approved, not yet scored"; "scored" "已评分，待公示确认" "Scored, not yet confirmed";
        "confirmed" "已确认" "Confirmed"; "rejected" "已驳回" "Rejected"; "withdrawn" "已撤回" "Withdrawn";
        "lapsed" "逾期未补正，已失效" "Lapsed"; "overturned" "公示异议成立，已撤销" "Overturned"; "reversed" "已冲正" "Reversed";
    }
    filer {
        "me" "本人" "Oneself";
    }
    claim_action {
        "withdraw" "撤回" "Withdraw"; "correct" "修改" "Correct"; "resubmit" "补正再交" "Hand in again";
        "review" "审核" "Review"; "reply" "陈述意见" "Answer"; "waive_hearing" "说明未听取陈述" "Go on without an answer";
        "repudiate" "否认代申报" "Disown"; "remedy" "申请整改返还" "Say it was put right";
    }
    batch_result {
        "applied" "已办理" "Applied"; "duplicate" "重复" "Duplicate"; "rejected" "未办理" "Rejected";
        "held" "已收，待核对" "Held";
    }
    consent_form {
        "paper" "书面" "On paper"; "oral" "口头" "Orally";
    }
    changed_kind {
        "claim" "申报" "Claim"; "household" "农户" "Household";
    }
    verdict {
        "approve" "通过" "Approve"; "reject" "驳回" "Reject"; "return" "退回补正" "Return";
    }
    hearing_act {
        "statement" "陈述" "Statement"; "waiver" "逾期未陈述" "No answer";
    }
    register_kind {
        "late_admission" "逾期补录" "Late admission"; "hearing_waived" "未听取陈述即表决" "Decided without an answer";
        "deduction_withdrawn" "扣分提议被撤回" "Deduction dropped";
        "repudiation" "代申报被否认" "Proxy claim disowned"; "bulk_approval" "短时间批量通过" "Approved in bulk";
        "lapsed_objection" "异议或申诉逾期未决" "Objection not decided in time"; "extension" "公示延期" "Publicity extended";
        "sample_confirmed" "抽查属实" "Sample confirmed"; "sample_doubted" "抽查存疑" "Sample doubted";
        "adjustment" "委员会调整积分" "Adjustment"; "reversal" "确认后冲正" "Confirmed points taken back";
        "reversal_lapsed" "冲正逾期未决" "Reversal not decided in time";
        "price_raised" "兑换期内提价" "Price raised in a window"; "refund" "兑换后退还" "Refunded after collection";
        "lock_override" "取货码锁定后两人核发" "Handed over with a locked code"; "stock_loss" "奖品报损" "Goods written off";
        "ranking_objection_lapsed" "排名异议逾期未决定" "Ranking objection lapsed";
        "honour_points_stand" "荣誉已撤销，积分待冲正" "Honour withdrawn, points stand";
    }
    honour_points {
        "nothing" "未获积分" "Earned none"; "kept" "积分由另一项荣誉保留" "Kept by another honour";
        "retracted" "积分申报已撤回" "Claim withdrawn"; "struck" "未确认的积分已撤销" "Entry struck";
        "stand" "积分已计入，待冲正" "Points stand until reversed";
    }
    sample_finding {
        "confirmed" "属实" "Confirmed"; "doubted" "存疑" "Doubted";
    }
    score_sheet_status {
        "open" "评分进行中" "Open"; "closed" "已评分" "Closed";
    }
    score_line_kind {
        "claim" "申报得分" "Claim"; "adjustment" "调整" "Adjustment"; "reversal" "冲正" "Reversal";
    }
    cut {
        "cap_reached" "超出上限的部分不计分" "The cap left a part"; "cap_exhausted" "已达上限，不计分" "The cap left nothing";
    }
    waiting_reason {
        "in_review" "申报审核中" "In review"; "returned" "申报已退回，等待补正" "Returned to be put right";
        "approved" "已通过，周一评分" "Approved, scored on Monday";
        "before_publicity" "等待本月公示" "Waits for the month's public list";
        "in_publicity" "公示中" "In publicity"; "contested" "被提出异议，等待决定" "Contested, waits for a decision";
        "held" "已下单，待领取" "Held for a prize"; "under_reversal" "正在冲正审核，暂时冻结" "Frozen, waits for a decision";
        "shop_closed" "未到兑换期" "The shop is closed"; "next_window" "下一兑换期可用" "For the next window";
        "file_ended" "户已销户或迁出，不能再兑换" "The household's file has ended";
        "debt" "积分为负，由以后的积分抵扣" "A debt, paid off by later points";
    }
    figure {
        "pending" "待确认积分" "Pending"; "available" "可用积分" "Available";
    }
    public_list_status {
        "open" "公示中" "Open"; "closing" "正在结束公示" "Closing"; "closed" "公示结束" "Closed";
    }
    public_list_line_status {
        "open" "公示无异议" "Open"; "contested" "有异议" "Contested"; "upheld" "异议不成立，维持" "Upheld";
        "adjusted" "已调整" "Adjusted"; "struck" "已撤销" "Struck";
    }
    objection_status {
        "filed" "已提出" "Filed"; "investigating" "核查中" "Investigating"; "decided" "已决定" "Decided";
        "appealed" "已申诉" "Appealed"; "final" "已终结" "Final";
    }
    ground {
        "did_not_happen" "没有这回事" "Did not happen"; "not_this_household" "不是这户做的" "Another household's";
        "wrong_points" "积分算错" "Wrong points"; "counted_twice" "重复计分" "Counted twice";
        "evidence_false" "佐证不实" "Evidence not genuine"; "rule_misapplied" "不符合细则" "Rule misapplied";
    }
    deciding_body {
        "committee" "村积分监督管理委员会" "Village committee"; "township" "镇" "Township"; "county" "县" "County";
    }
    appeal_side {
        "filer" "异议人" "Objector"; "household" "被提异议的农户" "Household of the line";
    }
    objection_action {
        "investigate" "复核" "Look into it"; "decide" "作出决定" "Decide"; "appeal" "申诉" "Appeal";
        "decide_appeal" "对申诉作出决定" "Decide the appeal";
    }
    decision {
        "dismissed" "异议不成立" "Dismissed"; "amended" "部分成立，调整积分" "Amended"; "upheld" "异议成立" "Upheld";
    }
    adjustment_status {
        "proposed" "待审批" "Proposed"; "approved" "已批准，待评分" "Approved, not yet scored"; "rejected" "未批准" "Rejected";
        "scored" "已评分" "Scored"; "lapsed" "逾期未决，已失效" "Lapsed";
    }
    adjustment_decision {
        "approved" "批准" "Approved"; "rejected" "不批准" "Rejected";
    }
    adjustment_action {
        "decide" "审批" "Decide";
    }
    reversal_status {
        "proposed" "待审批" "Proposed"; "approved" "已批准，待公示期满" "Approved, in publicity"; "carried" "已冲正" "Carried out";
        "dropped" "未批准，积分解冻" "Dropped"; "lapsed" "逾期未决，积分解冻" "Lapsed";
    }
    reversal_decision {
        "carried" "同意冲正" "Carried"; "dropped" "不同意" "Dropped";
    }
    reversal_action {
        "decide" "审批" "Decide"; "reply" "陈述意见" "Answer";
    }
    correction_status {
        "open" "更正公示中" "Open"; "closed" "更正结束" "Closed";
    }
    mode {
        "quarterly" "一季一兑换" "Every quarter"; "monthly" "一月一兑换" "Every month"; "always_open" "常年开放" "Always open";
    }
    prize_kind {
        "goods" "实物" "Goods"; "service" "服务" "Service";
    }
    funding {
        "village_collective" "村集体" "Village collective"; "paired_enterprise" "结对企业" "Paired enterprise";
        "township_budget" "镇级经费" "Township budget"; "donation" "捐赠" "Donation"; "bank" "银行" "Bank";
    }
    stock_move_kind {
        "delivery" "入库" "Delivery"; "loss" "损耗" "Loss"; "hold" "兑换占用" "Hold"; "release" "释放占用" "Release";
        "refund" "退货入库" "Returned";
    }
    redemption_status {
        "held" "待领取" "Held"; "collected" "已领取" "Collected"; "refunded" "已退还" "Refunded";
        "cancelled" "已取消" "Cancelled"; "expired" "逾期未领取" "Expired";
    }
    redemption_proof {
        "pickup_code" "取货码" "Pickup code"; "pin" "户密码" "The household's PIN"; "witness" "两人共同核发" "A witness";
    }
    redemption_action {
        "collect" "核发" "Hand over"; "witness" "在场见证" "Witness"; "deliver" "交网格员送货" "Give out for delivery";
        "take_back" "收回未送达的奖品" "Take back"; "cancel" "取消" "Cancel"; "refund" "退还" "Refund";
    }
    window_state {
        "past" "已结束" "Past"; "open" "开放中" "Open"; "coming" "未开始" "Coming";
    }
    account {
        "pending" "待确认积分" "Pending"; "available" "可用积分" "Available"; "issued" "已发放" "Issued";
        "redeemed" "已兑换" "Redeemed"; "expired" "已作废" "Expired";
    }
    of {
        "households" "按户" "Households"; "grids" "按网格" "Grids"; "villages" "按村" "Villages";
    }
    board_status {
        "provisional" "暂定" "Provisional"; "published" "公示中" "Published"; "final" "最终" "Final";
    }
    ranking_objection_status {
        "filed" "已提出" "Filed"; "decided" "已决定" "Decided"; "lapsed" "逾期未决定" "Lapsed";
    }
    ranking_decision {
        "dismissed" "异议不成立，排名维持" "Dismissed"; "upheld" "异议成立，重新排名" "Upheld";
    }
    award_kind {
        "rank_award" "名次奖" "Rank award"; "dividend" "分红" "Dividend";
    }
    award_status {
        "granted" "待领取" "To be collected"; "collected" "已领取" "Collected"; "lapsed" "逾期未领取，已失效" "Lapsed";
    }
    proposal_status {
        "proposed" "待第二人确认" "Proposed"; "approved" "已批准" "Approved"; "rejected" "未批准" "Rejected";
    }
    ruling {
        "approve" "批准" "Approve"; "reject" "不批准" "Reject";
    }
    veto_ground {
        "crime" "犯罪受刑事处罚" "Crime"; "public_order" "扰乱公共秩序受处理" "Public order";
        "gambling" "参与赌博受处理" "Gambling"; "illegal_building" "违法占地或违建" "Illegal building";
        "other" "村规民约规定的其他情形" "Other";
    }
    honour_status {
        "proposed" "待第二人确认" "Proposed"; "granted" "已授予" "Granted"; "rejected" "未授予" "Not granted";
        "withdrawing" "已提议撤销" "Withdrawal proposed"; "withdrawn" "已撤销" "Withdrawn";
    }
    year_action {
        "decide" "决定" "Decide"; "collect" "核销领取" "Hand over"; "reply" "陈述意见" "Answer";
        "withdraw" "提议撤销" "Propose to withdraw";
    }
    decided_by {
        "more_points" "积分更多" "More points"; "fewer_deductions" "扣分更少" "Fewer deductions";
        "more_categories" "得分类别更多" "More categories"; "earlier_total" "更早达到该积分" "Earlier to reach the total";
        "household_number" "户号在前" "Smaller household number";
    }
    ahead_by {
        "more_per_household" "户均积分更高" "More points per household";
        "fewer_deductions_per_household" "户均扣分更少" "Fewer deductions per household";
        "more_households_with_points" "得分的户占比更高" "More of its households have points";
        "lower_code" "编号在前" "Smaller code";
    }
}

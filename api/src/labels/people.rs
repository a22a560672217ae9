//! The words of people and places: households, offices, regions, logins.

super::labels! {
    household_status {
        "active" "正常" "Active"; "merged" "已并户" "Merged"; "split" "已分户" "Split"; "moved_out" "已迁出" "Moved out";
        "closed" "已销户" "Closed";
    }
    because {
        "died" "去世" "Died"; "moved" "迁出" "Moved"; "married" "婚嫁" "Married"; "other" "其他" "Other";
    }
    relation {
        "spouse" "配偶" "Spouse"; "parent" "父母" "Parent"; "child" "子女" "Child"; "sibling" "兄弟姐妹" "Sibling";
    }
    consent {
        "paper" "纸质同意书" "On paper"; "account" "小程序内同意" "In the app";
    }
    consent_act {
        "given" "同意" "Given"; "withdrawn" "撤回同意" "Withdrawn";
    }
    binding_verdict {
        "approve" "同意绑定" "Approve"; "refuse" "不同意" "Refuse";
    }
    binding_request_status {
        "waiting" "待核实" "Waiting"; "approved" "已同意" "Approved"; "refused" "未同意" "Refused";
    }
    level {
        "province" "省" "Province"; "city" "市" "City"; "county" "县" "County"; "township" "镇" "Township";
        "village" "村" "Village"; "grid" "网格" "Grid";
    }
    role {
        "grid_worker" "网格员" "Grid worker"; "panel" "评议小组成员" "Panel member";
        "committee" "积分监督管理委员会成员" "Committee member"; "clerk" "积分超市管理员" "Shop clerk";
        "township" "镇级管理员" "Township official"; "county" "县级管理员" "County official";
    }
    worker_kind {
        "professional" "专业网格员" "Professional"; "full_time" "专职网格员" "Full-time"; "part_time" "兼职网格员" "Part-time";
    }
    grant_state {
        "coming" "未到任" "Coming"; "in_force" "在任" "In force"; "ended" "已卸任" "Ended";
    }
    committee_kind {
        "panel" "评议小组" "Panel"; "committee" "积分监督管理委员会" "Committee";
    }
    duty {
        "chair" "主任" "Chair"; "deputy" "副主任" "Deputy"; "secretary" "秘书" "Secretary"; "member" "委员" "Member";
    }
    account_status {
        "active" "正常" "Active"; "disabled" "已停用" "Disabled";
    }
    session_kind {
        "wechat" "微信小程序" "WeChat"; "staff" "管理后台" "Back office"; "sandbox" "演示" "Sandbox";
    }
}

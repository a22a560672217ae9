//! The words of reports: how figures are divided, and the columns of tables.

super::labels! {
    trend_step {
        "week" "按周" "By week"; "month" "按月" "By month"; "quarter" "按季" "By quarter"; "year" "按年" "By year";
    }
    part_level {
        "village" "按村" "By village"; "township" "按镇" "By township"; "county" "按县" "By county";
    }
    export_format {
        "csv" "CSV 表格" "CSV"; "xlsx" "Excel 表格" "XLSX";
    }
    export_column {
        "code" "编码" "Code"; "name" "名称" "Name";
        "eligible" "应参与户数" "Eligible households"; "registered" "参与户数" "Registered households";
        "registration_rate" "参与率（%）" "Registration rate (%)";
        "activated" "启用户数" "Activated households"; "activation_rate" "启用率（%）" "Activation rate (%)";
        "participating" "得分户数" "Households with points"; "participation_rate" "得分户率（%）" "Participation rate (%)";
        "cumulative" "累计积分" "Points earned"; "redeemed" "已兑换积分" "Points redeemed";
        "redemption_rate" "兑换率（%）" "Redemption rate (%)";
        "expired" "作废积分" "Points expired"; "balance" "结余积分" "Balance"; "total" "合计" "Total";
        "week" "周" "Week"; "grid" "网格" "Grid"; "household_number" "户号" "Household number"; "head" "户主" "Head";
        "category" "类别" "Category"; "rule" "事项" "Item"; "kind" "类型" "Kind"; "occurred_on" "发生日期" "Day of the deed";
        "approved_at" "审定时间" "Approved at"; "times" "次数" "Times"; "claimed" "申报积分" "Points claimed"; "awarded" "计入积分" "Points awarded";
        "reason" "少计原因" "Why fewer"; "publicity" "公示状态" "Publicity"; "confirmed_at" "确认时间" "Confirmed at";
    }
    chart {
        "points_by_category" "各类积分" "Points by category"; "participation_by_week" "每周得分户率" "Participation by week";
        "points" "分" "points"; "households" "户" "households"; "no_points" "本期没有积分" "No points in this period";
    }
}

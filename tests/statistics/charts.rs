use reqwest::Method;

use crate::support::{HERE, World, at};

fn chart(name: &str, query: &str) -> String {
    format!("/v1/regions/{HERE}/charts/{name}?{query}")
}

const CHARTS: [&str; 2] = ["points-by-category", "participation-by-week"];

#[actix_web::test]
async fn a_chart_is_a_picture_with_words_that_runs_nothing() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-09-03 09:00")).await;
    let name = "</text><script>alert(1)</script>村";
    world.run(&format!("UPDATE regions SET name = '{name}' WHERE code = '{HERE}'")).await;
    let nobody = world.anybody();
    for (chart_name, said) in CHARTS.into_iter().zip(["乡村建设 30 分", "2024-W34 10.0% (1/10 户)"])
    {
        let path = chart(chart_name, "period=2024-08");
        let answer = nobody.get(&path).await;
        assert_eq!(answer.header("content-type"), Some("image/svg+xml"));
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; sandbox"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let etag = answer.header("etag").expect("an etag").to_owned();
        assert!(etag.starts_with('"'), "{etag}");
        let svg = answer.ok().as_str().expect("a text").to_owned();
        assert!(svg.starts_with("<svg ") && svg.contains("role=\"img\""), "{svg}");
        let described = svg.split("</desc>").next().expect("a description");
        assert!(described.contains("<title ") && described.contains(said), "{svg}");
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{svg}");
        assert!(!svg.contains("href") && !svg.contains("style="), "{svg}");
        // Once in the drawing, once in words.
        assert!(svg.matches("人居环境整治").count() <= 2, "{svg}");
        let again = nobody.send(Method::GET, &path, |it| it.header("If-None-Match", etag));
        assert_eq!(again.await.status, 304);
        let english = nobody.send(Method::GET, &path, |it| it.header("Accept-Language", "en"));
        let english = english.await.ok().as_str().expect("a text").to_owned();
        assert!(english.contains("lang=\"en\"") && !english.contains("户"), "{english}");
        if let Ok(folder) = std::env::var("JIFEN_TEST_PICTURES") {
            std::fs::write(format!("{folder}/{chart_name}.svg"), svg).expect("a picture");
        }
    }
}

#[actix_web::test]
async fn a_period_without_points_says_so_and_weeks_to_come_are_not_drawn() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let nobody = world.anybody();
    for name in CHARTS {
        let svg = nobody.get(&chart(name, "period=2025")).await.ok();
        assert!(svg.as_str().is_some_and(|it| it.contains("本期没有积分")), "{svg}");
    }
    world.travel(at("2024-09-03 09:00")).await;
    let svg = nobody.get(&chart(CHARTS[1], "period=2024-Q3")).await.ok().to_string();
    assert!(svg.contains("2024-W35") && !svg.contains("2024-W36"), "{svg}");
}

#[actix_web::test]
async fn what_is_no_chart_or_no_period_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let nobody = world.anybody();
    for query in ["", "period=2024-W54", "period=2024&format=png", "period=2024&title=%3Cb%3E"] {
        for name in CHARTS {
            nobody.get(&chart(name, query)).await.refused(400, "invalid_query");
        }
    }
    nobody.get(&chart("secrets", "period=2024")).await.refused(404, "not_found");
    let far = "/v1/regions/99/charts/points-by-category?period=2024";
    nobody.get(far).await.refused(404, "not_found");
}

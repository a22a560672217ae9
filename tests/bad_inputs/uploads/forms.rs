//! C76 to C79: names of files, forms that are none, and addresses to be fetched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use super::super::{Case, Catalogue, Expected};
use super::body;
use crate::support::pictures::{self, field, form};
use crate::support::{Actor, HERE, World, at, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    catalogue.run(&world, names(&zhang)).await;
    let named = |it: &std::path::PathBuf| {
        let name = it.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
        name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let files = world.pictures();
    let taken = world.count("photos").await;
    let what = "every file has a name of ours";
    catalogue.check("C76", what, files.iter().all(named) && files.len() as i64 == taken);
    // Enough for a day: the rest is another person's.
    let wang = world.head(HERE, 2).await;
    let before = world.pictures().len();
    catalogue.run(&world, forms(&wang)).await;
    let (port, hits) = canary().await;
    catalogue.run(&world, addresses(&wang, port)).await;
    catalogue.check("C79", "nobody asked the canary", hits.load(Ordering::SeqCst) == 0);
    catalogue.check("C77", "no refused file is in the store", world.pictures().len() == before);
}

fn names(who: &Actor) -> Vec<Case> {
    let long = format!("{}.jpg", "长".repeat(1400));
    let names = [
        ("up and away", "../../x"),
        ("up and away, escaped", "..%2f..%2fx"),
        ("up and away, by Windows", "..\\..\\x.jpg"),
        ("absolute", "/etc/cron.d/x"),
        ("a NUL, escaped", "a%00.jpg"),
        ("4 KB", long.as_str()),
        ("a line break, escaped", "a%0d%0aX-Header: 1.jpg"),
        ("right to left", "a\u{202e}gpj.exe"),
        ("a device", "CON"),
        ("a device with an end", "NUL.jpg"),
        ("empty", ""),
        ("a dot", "."),
        ("two dots", ".."),
        ("two ends", "x.php.jpg"),
        ("another end", "x.svg"),
        ("no end", "x"),
        ("quotes", "a'b`c.jpg"),
        ("a shell", "$(reboot).jpg"),
        ("HTML", "<img src=x onerror=alert(1)>.jpg"),
        ("Chinese", "门前三角梅.jpg"),
        ("emoji", "👨‍👩‍👧.jpg"),
        ("SQL", "'; drop table photos; --.jpg"),
        ("a template", "${jndi:ldap://127.0.0.1/a}.jpg"),
    ];
    let case = |(at, (what, name)): (usize, (&str, &str))| {
        let parts = [
            field("id", &new_id().to_string()),
            pictures::file("photo", name, &pictures::png(at as u64)),
        ];
        let case = body("C76", format!("a file name: {what}"), who, form("b", &parts));
        case.expecting(Expected::Taken(201))
    };
    let mut cases: Vec<_> = names.into_iter().enumerate().map(case).collect();
    // Neither a part's media type nor an older client's name of the part matters.
    for (at, (what, head)) in [
        ("HTML as the media type", "name=\"photo\"; filename=\"a.jpg\"\r\nContent-Type: text/html"),
        ("no media type", "name=\"photo\"; filename=\"a.jpg\""),
        ("no file name", "name=\"photo\""),
        ("called `file`", "name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/png"),
        ("a name without quotes", "name=photo; filename=a.jpg"),
        ("a name in the new form", "name=\"photo\"; filename*=UTF-8''%e2%82%ac.jpg"),
    ]
    .into_iter()
    .enumerate()
    {
        let file =
            (format!("Content-Disposition: form-data; {head}"), pictures::png(100 + at as u64));
        let parts = [field("id", &new_id().to_string()), file];
        cases.push(body("C76", what, who, form("b", &parts)).expecting(Expected::Taken(201)));
    }
    // Raw in a head they make it no head.
    for (what, name) in
        [("a NUL", "a\0.jpg"), ("a line break", "a\r\nb.jpg"), ("an escape", "\x1b[2J")]
    {
        let parts =
            [field("id", &new_id().to_string()), pictures::file("photo", name, &pictures::png(1))];
        let case = body("C76", format!("raw in a file name: {what}"), who, form("b", &parts));
        cases.push(case.refused(400, "malformed_upload"));
    }
    cases
}

fn forms(who: &Actor) -> Vec<Case> {
    let id = || field("id", &new_id().to_string());
    let photo = || pictures::file("photo", "a.jpg", &pictures::png(1));
    let raw = |head: &str, content: &[u8]| (head.to_owned(), content.to_vec());
    let good = |boundary: &str| form(boundary, &[id(), photo()]);
    let typed = |media: &str| (media.to_owned(), good("b").1);
    let mut cases = Vec::new();
    let mut odd = |what: &str, sent: (String, Vec<u8>)| {
        cases.push(body("C77", what, who, sent).refused(400, "malformed_upload"));
    };
    odd("no boundary", typed("multipart/form-data"));
    odd("an empty boundary", typed("multipart/form-data; boundary="));
    odd("an empty boundary in quotes", typed("multipart/form-data; boundary=\"\""));
    odd("a boundary of 10 KB", good(&"b".repeat(10 * 1024)));
    odd("a boundary of 71", good(&"b".repeat(71)));
    odd("another boundary", typed("multipart/form-data; boundary=c"));
    odd(
        "nothing but a boundary",
        ("multipart/form-data; boundary=b".into(), b"--b--\r\n".to_vec()),
    );
    odd("no last boundary", {
        let (media, mut body) = good("b");
        body.truncate(body.len() - 6);
        (media, body)
    });
    odd("half of it", {
        let (media, mut body) = good("b");
        body.truncate(body.len() / 2);
        (media, body)
    });
    odd(
        "no head",
        ("multipart/form-data; boundary=b".into(), b"--b\r\n\r\nx\r\n--b--\r\n".to_vec()),
    );
    odd("a head of 100 KB", {
        let head =
            format!("Content-Disposition: form-data; name=\"id\"; x=\"{}\"", "x".repeat(100_000));
        form("b", &[raw(&head, b"x"), photo()])
    });
    odd("a hundred lines of head", {
        let lines: String = (0..100).map(|at| format!("\r\nX-{at}: y")).collect();
        let head = format!("Content-Disposition: form-data; name=\"id\"{lines}");
        form("b", &[raw(&head, b"x"), photo()])
    });
    odd("a part without a name", form("b", &[id(), raw("Content-Disposition: form-data", b"x")]));
    odd(
        "a part that is no form data",
        form("b", &[id(), raw("Content-Disposition: attachment", b"x")]),
    );
    odd("a part without a disposition", form("b", &[id(), raw("Content-Type: image/png", b"x")]));
    odd("nested", {
        let head = "Content-Disposition: form-data; name=\"photo\"\r\n\
                    Content-Type: multipart/mixed; boundary=c";
        let (_, inner) = form("c", &[photo()]);
        form("b", &[id(), raw(head, &inner)])
    });
    odd("the file twice", form("b", &[id(), photo(), photo()]));
    odd("the file twice, by two names", {
        let other = pictures::file("file", "b.jpg", &pictures::png(2));
        form("b", &[id(), photo(), other])
    });
    odd("a thousand files", form("b", &vec![photo(); 1000]));
    odd("the id twice", form("b", &[id(), id(), photo()]));
    odd("no file", form("b", &[id()]));
    odd("no id", form("b", &[photo()]));
    for text in ["", "x", "0192F0C1-7A52-7C3E-9C58-2F1F6F0C9A11", "{}", "null", "../../x", " ", "1"]
    {
        odd(&format!("the id `{text}`"), form("b", &[field("id", text), photo()]));
    }
    odd(
        "an id that is no text",
        form("b", &[raw("Content-Disposition: form-data; name=\"id\"", b"\xff\xfe\x80"), photo()]),
    );
    odd("an id with a NUL", form("b", &[field("id", "0192f0c1\0"), photo()]));
    let other = field("id", "3db2d2bc-e76e-4298-96b2-2b47b96cbcec");
    let case = body("C77", "an id of another version", who, form("b", &[other, photo()]));
    cases.push(case.refused(422, "invalid_field"));
    let long = field("id", &"x".repeat(100_000));
    let case = body("C77", "an id of 100 KB", who, form("b", &[long, photo()]));
    cases.push(case.refused(413, "body_too_large"));
    let many: Vec<_> = (0..1000).map(|at| field(&format!("part{at}"), "x")).collect();
    cases
        .push(body("C77", "a thousand parts", who, form("b", &many)).refused(400, "unknown_field"));
    let empty =
        body("C77", "nothing at all", who, ("multipart/form-data; boundary=b".into(), vec![]));
    cases.push(empty.refused(400, "malformed_upload"));
    for media in [
        "application/json",
        "image/jpeg",
        "text/plain",
        "multipart/mixed; boundary=b",
        "application/x-www-form-urlencoded",
        "multipart; boundary=b",
        "",
    ] {
        let case = body("C77", format!("sent as `{media}`"), who, typed(media));
        cases.push(case.refused(415, "unsupported_media_type"));
    }
    let zipped = body("C77", "compressed", who, good("b")).header("Content-Encoding", "gzip");
    cases.push(zipped.refused(415, "unsupported_media_type"));
    let mut without = body("C77", "without a key", who, good("b"));
    without.headers.clear();
    cases.push(without.refused(400, "idempotency_key_missing"));
    cases
}

/// A server that counts who asks it.
async fn canary() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = hits.clone();
    actix_web::rt::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, hits)
}

fn addresses(who: &Actor, port: u16) -> Vec<Case> {
    let addresses = [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://user@127.0.0.1:{port}/"),
        format!("http://example.com@127.0.0.1:{port}/"),
        format!("HTTP://127.0.0.1:{port}/redirect?to=http://127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
        format!("gopher://127.0.0.1:{port}/_GET%20/"),
        format!("ftp://127.0.0.1:{port}/x.jpg"),
        format!("dict://127.0.0.1:{port}/"),
        "data:image/png;base64,iVBORw0KGgo=".to_owned(),
        "wxfile://tmp_1.jpg".to_owned(),
    ];
    let mut cases = Vec::new();
    for address in &addresses {
        for name in ["image_url", "url", "photo_url"] {
            let parts = [
                field("id", &new_id().to_string()),
                field(name, address),
                pictures::file("photo", "a.jpg", &pictures::png(1)),
            ];
            let case = body("C79", format!("{name}: {address}"), who, form("b", &parts));
            cases.push(case.refused(400, "unknown_field"));
        }
        let parts = [field("id", &new_id().to_string()), field("photo", address)];
        let case = body("C79", format!("instead of the file: {address}"), who, form("b", &parts));
        cases.push(case.refused(415, "unsupported_media_type"));
        let parts = [field("id", &new_id().to_string()), pictures::file("photo", address, b"")];
        let case = body("C79", format!("as the file's name: {address}"), who, form("b", &parts));
        cases.push(case.refused(400, "body_missing"));
    }
    // A picture that names an address is not followed either.
    let svg = format!("<svg><image href=\"http://127.0.0.1:{port}/\"/></svg>");
    let parts =
        [field("id", &new_id().to_string()), pictures::file("photo", "a.jpg", svg.as_bytes())];
    let case = body("C79", "an address in an SVG", who, form("b", &parts));
    cases.push(case.refused(415, "unsupported_media_type"));
    cases
}

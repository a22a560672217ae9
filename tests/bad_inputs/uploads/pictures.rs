//! C67 to C74: files that are no pictures, too large, broken, or more than a picture.

use super::super::{Case, Catalogue, Expected};
use super::file;
use crate::support::pictures::*;
use crate::support::{Actor, HERE, World, at};

/// What the store keeps must hold none of it.
const TOLD: &[&[u8]] = &[
    b"Exif",
    b"GPS",
    b"SECRET",
    b"MAKERNOTE",
    b"xmpmeta",
    b"ICC_PROFILE",
    b"IPTC",
    b"COMMENT",
    b"script",
    b"PK\x03\x04",
    b"%PDF",
    b"TRAILER",
];

const TAKEN: Expected = Expected::Taken(201);

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let mut cases = sizes(&zhang);
    cases.extend(others(&zhang));
    cases.extend(sides(&zhang));
    cases.extend(broken(&zhang));
    catalogue.run(&world, cases).await;
    catalogue.check("C67", "no refused file is in the store", world.pictures().is_empty());
    // What hangs a decoder ends no test: that there is an answer is what is seen.
    catalogue.run(&world, telling(&zhang).into_iter().chain(hung(&zhang))).await;
    let files = world.pictures();
    let files: Vec<_> = files.iter().map(|it| std::fs::read(it).expect("a file")).collect();
    for told in TOLD {
        let holds = |file: &Vec<u8>| file.windows(told.len()).any(|it| it == *told);
        let what = format!("no file holds {}", String::from_utf8_lossy(told));
        catalogue.check("C71", &what, !files.iter().any(holds));
    }
    let whole =
        |file: &Vec<u8>| file.starts_with(b"\xff\xd8\xff\xe0") && file.ends_with(b"\xff\xd9");
    catalogue.check("C74", "every file ends where its picture ends", files.iter().all(whole));
    catalogue.check("C71", "there are files", files.len() > 15);
}

fn sizes(who: &Actor) -> Vec<Case> {
    let most = 5 * 1024 * 1024;
    let long = |more: usize| [jpeg(1), vec![0; most + more - jpeg(1).len()]].concat();
    vec![
        file("C67", "0 bytes", who, b"").refused(400, "body_missing"),
        file("C67", "1 byte", who, b"\xff").refused(400, "malformed_upload"),
        file("C67", "11 bytes", who, b"\xff\xd8\xff\xe0\0\x10JFIF\0")
            .refused(400, "malformed_upload"),
        file("C67", "5 MB and a byte", who, &long(1)).refused(413, "body_too_large"),
        file("C67", "5 MB and 60 KB", who, &long(60_000)).refused(413, "body_too_large"),
    ]
}

fn others(who: &Actor) -> Vec<Case> {
    let zip = [&b"PK\x03\x04\x14\0\0\0\x08\0"[..], &[0; 50]].concat();
    let elf = [&b"\x7fELF\x02\x01\x01\0"[..], &[0; 50]].concat();
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    let tar = [&[b'a'; 257][..], b"ustar\x0000"].concat();
    let others: Vec<(&str, Vec<u8>)> = vec![
        ("HTML", b"<!DOCTYPE html><html><script>alert(1)</script></html>".to_vec()),
        ("HTML behind spaces", b"     \n\n<html><body onload=alert(1)></body></html>".to_vec()),
        ("SVG", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec()),
        ("SVG with a declaration", b"<?xml version=\"1.0\"?><svg><script/></svg>".to_vec()),
        (
            "XML that loads a file",
            b"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>".to_vec(),
        ),
        ("PDF", b"%PDF-1.7\n1 0 obj<</JS(app.alert(1))>>endobj".to_vec()),
        ("PHP", b"<?php system($_GET['c']); ?>".to_vec()),
        ("PHP behind the head of a GIF", b"GIF89a;<?php system($_GET['c']); ?>".to_vec()),
        ("EXE", [&b"MZ\x90\0\x03\0\0\0\x04\0\0\0"[..], &[0; 64]].concat()),
        ("ELF", elf),
        ("a script", b"#!/bin/sh\nrm -rf /tmp/nothing\n".to_vec()),
        ("ZIP", zip),
        ("TAR", tar),
        ("HEIC", heic),
        ("GIF", b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec()),
        ("BMP", [&b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0"[..], &[0; 40]].concat()),
        ("TIFF", tiff(&[(0x0100, 3, 1, 1 << 16)], 0, b"")),
        ("ICO", b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0".to_vec()),
        ("WAV", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0".to_vec()),
        ("AVI", b"RIFF\x24\0\0\0AVI LIST\x10\0\0\0".to_vec()),
        ("MP4", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2".to_vec()),
        ("text", "这不是照片，只是一些文字。".as_bytes().to_vec()),
        ("zeros", vec![0; 4096]),
        ("a JPEG one byte late", [&b"\0"[..], &jpeg(1)].concat()),
        ("a PNG with a Unix line end", png(1).iter().filter(|it| **it != b'\r').copied().collect()),
        ("SQL", b"'; DROP TABLE photos; --".to_vec()),
    ];
    let case = |(what, bytes): (&str, Vec<u8>)| {
        file("C68", format!("{what} called .jpg"), who, &bytes)
            .refused(415, "unsupported_media_type")
    };
    others.into_iter().map(case).collect()
}

fn sides(who: &Actor) -> Vec<Case> {
    let mut cases = vec![
        file("C70", "PNG of 20000 x 20000, all there", who, &png_bomb(20_000, 20_000, 0))
            .refused(422, "photo_outsized"),
    ];
    let empty = |width, height| {
        let parts = [head(width, height, 2), (b"IDAT", zeros(500)), (b"IEND", Vec::new())];
        png_of(&parts)
    };
    for (width, height) in [
        (20_000, 20_000),
        (30_000, 30_000),
        (65_535, 1),
        (1, 65_535),
        (8193, 8),
        (8, 8193),
        (6000, 4001),
        (8192, 8192),
        (0x7FFF_FFFF, 0x7FFF_FFFF),
    ] {
        let case = file("C70", format!("PNG of {width} x {height}"), who, &empty(width, height));
        cases.push(case.refused(422, "photo_outsized"));
    }
    for (width, height) in [(0, 0), (0, 100), (100, 0), (0x8000_0000, 1), (u32::MAX, u32::MAX)] {
        let what = format!("PNG of {width} x {height}");
        let code = if width > 100 { "photo_outsized" } else { "photo_unreadable" };
        cases.push(file("C70", what, who, &empty(width, height)).refused(422, code));
    }
    for (width, height) in [(65_500, 65_500), (65_535, 1), (1, 65_535), (8193, 16), (6000, 4001)] {
        let what = format!("JPEG of {width} x {height}");
        let mut bytes = jpeg_bomb(16, 16, 0x22, true);
        // The frame stands behind the table of 69 bytes.
        bytes[76..80]
            .copy_from_slice(&[u16::to_be_bytes(height), u16::to_be_bytes(width)].concat());
        cases.push(file("C70", what, who, &bytes).refused(422, "photo_outsized"));
    }
    for (width, height) in [(0, 0), (0, 16), (16, 0)] {
        let mut bytes = jpeg_bomb(16, 16, 0x22, true);
        bytes[76..80]
            .copy_from_slice(&[u16::to_be_bytes(height), u16::to_be_bytes(width)].concat());
        let what = format!("JPEG of {width} x {height}");
        cases.push(file("C70", what, who, &bytes).refused(422, "photo_unreadable"));
    }
    for (width, height) in [(16_383, 16_383), (16_383, 1), (8193, 2), (8000, 3001)] {
        let what = format!("WebP of {width} x {height}");
        let case = file("C70", what, who, &webp_bomb(width, height));
        cases.push(case.refused(422, "photo_outsized"));
    }
    cases.push(
        file("C70", "JPEG of too much memory", who, &jpeg_bomb(6000, 4000, 0x11, true))
            .refused(422, "photo_outsized"),
    );
    cases
}

fn broken(who: &Actor) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut unreadable = |what: String, bytes: &[u8]| {
        cases.push(file("C70", what, who, bytes).refused(422, "photo_unreadable"));
    };
    for (name, whole) in [("JPEG", jpeg(2)), ("PNG", png(2)), ("WebP", webp(2))] {
        for percent in [10, 50, 90] {
            let part = whole.get(..(whole.len() * percent / 100).max(13)).expect("a part");
            unreadable(format!("{percent} % of a {name}"), part);
        }
    }
    let wrong_sum = {
        let mut bytes = png(2);
        let at = bytes.windows(4).position(|it| it == b"IDAT").expect("data");
        bytes[at + 8] ^= 0xFF;
        bytes
    };
    unreadable("a PNG whose sums are wrong".to_owned(), &wrong_sum);
    let magic = |magic: &[u8]| [magic, &[0x41; 500]].concat();
    unreadable("the magic of a JPEG alone".to_owned(), &magic(b"\xff\xd8\xff\xe0"));
    unreadable("the magic of a PNG alone".to_owned(), &magic(b"\x89PNG\r\n\x1a\n"));
    unreadable("the magic of a WebP alone".to_owned(), &magic(b"RIFF\0\x02\0\0WEBPVP8 "));
    unreadable("a JPEG without a frame".to_owned(), b"\xff\xd8\xff\xfe\0\x06abcd\xff\xd9\xff\xd9");
    let no_data = png_of(&[head(10, 10, 2), (b"IEND", Vec::new())]);
    unreadable("a PNG without data".to_owned(), &no_data);
    let little = png_of(&[head(100, 100, 2), (b"IDAT", zeros(500)), (b"IEND", Vec::new())]);
    unreadable("a PNG of too little data".to_owned(), &little);
    let odd = png_of(&[(b"IHDR", vec![0; 13]), (b"IEND", Vec::new())]);
    unreadable("a PNG whose head is zeros".to_owned(), &odd);
    cases
}

/// C71 and C73: what a camera tells, and metadata that leads astray.
fn telling(who: &Actor) -> Vec<Case> {
    let loops = tiff(&[(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0x014A, 4, 1, 8)], 8, b"");
    let far = tiff(&[(0x0112, 3, 0xFFFF_FFFF, 0xFFFF_FFF0)], 0xFFFF_FFFF, b"");
    let long = tiff(&[(0x9003, 2, 0xFFFF_FFFF, 26), (0x010F, 2, 0x7FFF_FFFF, 26)], 0, b"SECRET");
    let odd_turn = tiff(&[(0x0112, 3, 1, 99 << 16)], 0, b"");
    let many: Vec<_> = (0..80).map(|_| exif(&[0xAA; 60_000])).collect();
    let icc = (1..=80_u8)
        .map(|at| (0xE2, [b"ICC_PROFILE\0".to_vec(), vec![at, 80], vec![at; 60_000]].concat()));
    let lying = |which: u32| jpeg_with(&[exif(&tiff(&[(0x0112, 3, 1, which << 16)], 0, b""))]);
    let zipped = zeros(60_000_000);
    let small = |kind, content: Vec<u8>| {
        let data = zeros((48 * 3 + 1) * 36);
        png_of(&[head(48, 36, 2), (kind, content), (b"IDAT", data), (b"IEND", Vec::new())])
    };
    let mut cases = vec![
        file("C71", "GPS, XMP, a thumbnail, a maker's note", who, &jpeg_that_tells()),
        file("C73", "Exif that leads to itself", who, &jpeg_with(&[exif(&loops)])),
        file("C73", "Exif that leads outside", who, &jpeg_with(&[exif(&far)])),
        file("C73", "Exif of endless texts", who, &jpeg_with(&[exif(&long)])),
        file("C73", "Exif of an unknown turn", who, &jpeg_with(&[exif(&odd_turn)])),
        file("C73", "Exif of nothing", who, &jpeg_with(&[exif(b"")])),
        file("C73", "80 segments of 60 KB", who, &jpeg_with(&many)),
        file("C73", "a colour profile of 4.8 MB", who, &jpeg_with(&icc.collect::<Vec<_>>())),
        file("C73", "a bomb of text", who, &small(b"zTXt", [&b"C\0\0"[..], &zipped].concat())),
        file("C73", "Exif in a PNG", who, &small(b"eXIf", loops)),
        file("C71", "a comment in a PNG", who, &small(b"tEXt", b"Comment\0SECRET".to_vec())),
    ];
    cases.extend((1..=8).map(|turn| file("C71", format!("turned {turn}"), who, &lying(turn))));
    let mut cases: Vec<_> = cases.into_iter().map(|case| case.expecting(TAKEN)).collect();
    let profile = small(b"iCCP", [&b"icc\0\0"[..], &zipped].concat());
    let case = file("C73", "a bomb of a colour profile", who, &profile);
    cases.push(case.expecting(TAKEN));
    cases
}

/// C74: files that are a picture and something else.
fn hung(who: &Actor) -> Vec<Case> {
    let zip = [&b"PK\x03\x04"[..], &[0; 30], b"TRAILER"].concat();
    let comment = (0xFE, b"<script>alert(1)</script>".to_vec());
    let cases = [
        ("a JPEG and a ZIP", [jpeg(3), zip.clone()].concat()),
        ("a JPEG and HTML", [&jpeg(4)[..], b"<html><script>alert(1)</script>TRAILER"].concat()),
        ("a JPEG and PDF", [&jpeg(5)[..], b"%PDF-1.7 TRAILER"].concat()),
        ("a JPEG with HTML in it", jpeg_with(&[comment])),
        ("a JPEG and 1 MB", [jpeg(6), vec![b'T'; 1 << 20]].concat()),
        ("two JPEGs", [jpeg(7), jpeg(8)].concat()),
        ("a PNG and a ZIP", [png(9), zip.clone()].concat()),
        ("a WebP and a ZIP", [webp(10), zip].concat()),
    ];
    let case = |(what, bytes): (&str, Vec<u8>)| file("C74", what, who, &bytes).expecting(TAKEN);
    cases.into_iter().map(case).collect()
}

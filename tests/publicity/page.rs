//! The two implementations of the check, Rust and the page's own script, on generated lists.

use api::kernel::chain::Head;
use api::kernel::derive::hex;
use api::proof::{
    self, Checkpoint, FileLeaf, Hash, Line, LineProof, ListFile, PAGE, Signer, check_list,
    check_proof,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rquickjs::{Context, Function, Object, Runtime};
use serde_json::json;

/// The page's script, without a page.
pub struct Script {
    context: Context,
    _runtime: Runtime,
}

impl Script {
    pub fn of_the_page() -> Self {
        let (_, rest) = PAGE.split_once("<script>").expect("a script");
        let (script, _) = rest.split_once("</script>").expect("its end");
        let runtime = Runtime::new().expect("a runtime");
        let context = Context::full(&runtime).expect("a context");
        context.with(|js| js.eval::<(), _>(script).expect("the script runs"));
        Self { context, _runtime: runtime }
    }

    /// The word of the flaw that the page finds; "" if it finds none.
    pub fn flaw(&self, text: &str, vkey: &str, board: &str) -> String {
        self.context.with(|js| {
            let check: Function<'_> = js.globals().get("check").expect("a function");
            let found: Object<'_> = check.call((text, vkey, board)).expect("an answer");
            found.get("flaw").expect("a word")
        })
    }
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(below).expect("a number"))
            .expect("a number")
    }

    /// Chinese of one, two, three and four bytes a letter.
    fn words(&mut self) -> String {
        let odd = ['𠮷', 'é', 'Ω', '·', 'x', ' ', '"', '\\', '\u{2028}', '😀', '<'];
        let length = 1 + self.roll(12);
        let letter = |dice: &mut Self| match dice.roll(8) {
            0 => odd[dice.roll(odd.len())],
            _ => char::from_u32(0x4e00 + u32::try_from(dice.roll(20_000)).expect("a number"))
                .expect("a letter"),
        };
        (0..length).map(|_| letter(self)).collect()
    }
}

/// A list with everything that was hidden.
struct Made {
    file: ListFile,
    texts: Vec<String>,
    salts: Vec<String>,
    leaves: Vec<Hash>,
    hidden: Vec<bool>,
}

impl Made {
    fn list(dice: &mut Dice, size: usize, signer: &Signer) -> Self {
        let village = format!("4602051002{:02}", dice.roll(100));
        let month = format!("20{:02}-{:02}", dice.roll(100), 1 + dice.roll(12));
        let seed = proof::seed(b"a secret", &village, &month);
        let (mut texts, mut salts, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..size {
            let number = i64::try_from(at + 1).expect("a number");
            let (category, rule, rule_name) = (dice.words(), dice.words(), dice.words());
            let line = Line {
                village: &village,
                month: &month,
                number,
                household_number: i64::try_from(1 + dice.roll(size)).expect("a number"),
                category: &category,
                rule: &rule,
                rule_name: &rule_name,
                occurred_on: "2024-08-20",
                points: i64::try_from(dice.roll(60)).expect("a number") - 20,
            };
            texts.push(line.text());
            salts.push(proof::salt(&seed, number));
            leaves.push(proof::leaf(proof::salted(&texts[at], &salts[at]).as_bytes()));
        }
        let hash: Vec<_> = (0..8).map(|_| format!("{:08x}", dice.roll(1 << 32))).collect();
        let length = i64::try_from(dice.roll(100_000)).expect("a number");
        let chain = Head { length, hash: hash.concat() };
        let root = proof::root(&leaves);
        let size = leaves.len() as u64;
        let checkpoint = Checkpoint { village, month, size, root, chain };
        let hidden: Vec<_> = leaves.iter().map(|_| dice.roll(5) == 0).collect();
        let leaf = |at: usize| match hidden[at] {
            true => FileLeaf { hash: Some(hex(&leaves[at])), ..FileLeaf::default() },
            false => FileLeaf {
                line: Some(texts[at].clone()),
                salt: Some(salts[at].clone()),
                hash: None,
            },
        };
        let file = ListFile {
            format: "jifen-list/1".to_owned(),
            checkpoint: signer.sign(&checkpoint.text()),
            vkey: signer.verifier.vkey(),
            leaves: (0..leaves.len()).map(leaf).collect(),
        };
        Self { file, texts, salts, leaves, hidden }
    }

    fn proof(&self, at: usize) -> LineProof {
        let path = proof::path(&self.leaves, at).expect("a path");
        LineProof {
            line: self.texts[at].clone(),
            salt: self.salts[at].clone(),
            index: at as u64,
            size: self.leaves.len() as u64,
            path: path.iter().map(|hash| hex(hash)).collect(),
            checkpoint: self.file.checkpoint.clone(),
            vkey: self.file.vkey.clone(),
        }
    }
}

/// Another letter of the same kind at some place of a text.
fn flipped(dice: &mut Dice, text: &str, from: usize, to: usize) -> String {
    let mut letters: Vec<_> = text.chars().collect();
    let at = from + dice.roll(to - from);
    letters[at] = match letters[at] {
        '0' => '1',
        'a' => 'b',
        'A' => 'B',
        c if c.is_ascii_digit() => '0',
        c if c.is_ascii_lowercase() => 'a',
        c if c.is_ascii_uppercase() => 'A',
        '张' => '王',
        _ => '张',
    };
    letters.into_iter().collect()
}

/// A line of a text, changed at one place.
fn with_line(dice: &mut Dice, text: &str, number: usize) -> String {
    let mut lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
    let length = lines[number].chars().count();
    lines[number] = flipped(dice, &lines[number], 0, length);
    lines.join("\n")
}

const WAYS_OF_PROOFS: usize = 16;

/// A proof that somebody changed in one way.
fn mutated_proof(
    dice: &mut Dice,
    way: usize,
    made: &Made,
    other: &Made,
    theirs: &Signer,
) -> LineProof {
    let mut proof = made.proof(dice.roll(made.leaves.len()));
    match way {
        0 => {
            let field = dice.roll(10);
            proof.line = with_line(dice, &proof.line, field);
        }
        1 => proof.salt = flipped(dice, &proof.salt, 0, 32),
        2 => proof.size += 1,
        3 => proof.size = proof.size.saturating_sub(1),
        4 => proof.index += 1,
        5 => proof.index = proof.size + 7,
        6 if !proof.path.is_empty() => {
            let at = dice.roll(proof.path.len());
            proof.path[at] = flipped(dice, &proof.path[at], 0, 64);
        }
        7 if !proof.path.is_empty() => drop(proof.path.pop()),
        8 if proof.path.len() > 1 && proof.path[0] != proof.path[1] => proof.path.swap(0, 1),
        // Its origin, size, root, and head of the chain.
        9 => proof.checkpoint = with_line(dice, &proof.checkpoint, 0),
        10 => proof.checkpoint = with_line(dice, &proof.checkpoint, 1),
        11 => proof.checkpoint = with_line(dice, &proof.checkpoint, 2),
        12 => proof.checkpoint = with_line(dice, &proof.checkpoint, 3),
        13 => {
            let from = proof.checkpoint.trim_end().chars().count() - 96;
            proof.checkpoint = flipped(dice, &proof.checkpoint, from, from + 90);
        }
        14 => proof.vkey = theirs.verifier.vkey(),
        15 => proof.checkpoint = other.file.checkpoint.clone(),
        _ => proof.path.push("0".repeat(64)),
    }
    proof
}

const WAYS_OF_LISTS: usize = 9;

/// A list that somebody changed in one way.
fn mutated_list(
    dice: &mut Dice,
    way: usize,
    made: &Made,
    other: &Made,
    theirs: &Signer,
) -> ListFile {
    let mut file = made.file.clone();
    let at = dice.roll(file.leaves.len());
    match way {
        0 => drop(file.leaves.remove(at)),
        1 => file.leaves.push(file.leaves[at].clone()),
        2 => {
            let last = file.leaves.len() - 1;
            file.leaves.swap(0, last);
            if last == 0 || file.leaves[0] == file.leaves[last] {
                file.format = "jifen-list/2".to_owned();
            }
        }
        3 => match &mut file.leaves[at] {
            FileLeaf { hash: Some(hash), .. } => *hash = flipped(dice, hash, 0, 64),
            FileLeaf { line: Some(line), .. } => *line = with_line(dice, line, 9),
            _ => {}
        },
        4 => match &mut file.leaves[at] {
            FileLeaf { hash: Some(hash), .. } => *hash = hash.to_uppercase() + "0",
            FileLeaf { salt: Some(salt), .. } => *salt = flipped(dice, salt, 0, 32),
            _ => {}
        },
        5 => file.checkpoint = other.file.checkpoint.clone(),
        6 => file.vkey = theirs.verifier.vkey(),
        7 => {
            // The key itself, under its old name and id.
            let mut parts: Vec<_> = file.vkey.split('+').map(str::to_owned).collect();
            parts.truncate(2);
            file.vkey = format!("{}+{}", parts.join("+"), STANDARD.encode([[1_u8; 33]].concat()));
        }
        _ => file.checkpoint = with_line(dice, &file.checkpoint, 5),
    }
    file
}

/// Both say the same of a proof; whether it holds.
fn agree_on_proof(script: &Script, proof: &LineProof) -> bool {
    let ours = check_proof(proof, &proof.vkey).err().map_or("", |flaw| flaw.word());
    let text = json!(proof).to_string();
    assert_eq!(script.flaw(&text, "", ""), ours, "{text}");
    ours.is_empty()
}

fn agree_on_list(script: &Script, file: &ListFile) -> bool {
    let ours = check_list(file, &file.vkey).err().map_or("", |flaw| flaw.word());
    let text = json!(file).to_string();
    assert_eq!(script.flaw(&text, "", ""), ours, "{text}");
    ours.is_empty()
}

/// G7: what is right is accepted by both, and what was changed is refused by both for the same reason.
#[test]
fn two_implementations_agree_on_a_thousand_lists_and_refuse_every_mutated_one() {
    // It asks no database: one backend's run is the whole, the other's a sample.
    let sample = std::env::var("JIFEN_TEST_BACKEND").as_deref() == Ok("postgres");
    let lists = if sample { 60 } else { 1_000 };
    let script = Script::of_the_page();
    let signers = [1, 2, 3].map(|at| Signer::new(&format!("key-{at}"), [at; 32]).expect("a key"));
    let mut dice = Dice(20_240_902);
    let mut other = Made::list(&mut dice, 3, &signers[2]);
    let (mut lines, mut mutants) = (0, 0);
    for at in 0..lists {
        let size = match at {
            0..=40 => at,
            41 => 300,
            42..60 => dice.roll(301),
            _ => dice.roll(12) * dice.roll(13),
        };
        let signer = &signers[at % 3];
        let made = Made::list(&mut dice, size.min(300), signer);
        assert!(agree_on_list(&script, &made.file), "list {at}");
        for _ in 0..size.min(3) {
            assert!(agree_on_proof(&script, &made.proof(dice.roll(size))), "list {at}");
            lines += 1;
        }
        if size > 0 {
            let theirs = &signers[(at + 1) % 3];
            for way in [at % WAYS_OF_PROOFS, (at / 2 + 7) % WAYS_OF_PROOFS] {
                let proof = mutated_proof(&mut dice, way, &made, &other, theirs);
                assert!(!agree_on_proof(&script, &proof), "list {at} way {way} {proof:?}");
            }
            let way = at % WAYS_OF_LISTS;
            let file = mutated_list(&mut dice, way, &made, &other, theirs);
            assert!(!agree_on_list(&script, &file), "list {at} way {way}");
            mutants += 3;
            assert_eq!(made.hidden.len(), size);
            other = made;
        }
    }
    if !sample {
        println!(
            "figure: proof: Rust and the page agree on {lists} lists and {lines} of their lines, \
             and refuse {mutants} mutated ones of {} kinds",
            WAYS_OF_PROOFS + WAYS_OF_LISTS
        );
    }
}

#[test]
fn the_page_compares_with_what_the_board_shows() {
    let script = Script::of_the_page();
    let signer = Signer::new("key", [7; 32]).expect("a key");
    let made = Made::list(&mut Dice(1), 5, &signer);
    let text = json!(made.file).to_string();
    let root = hex(&proof::root(&made.leaves));
    let (printed, _) = root.split_at(32);
    let spaced = format!("{} {}", &printed[..8], &printed[8..].to_uppercase());
    for board in ["", printed, &root, &spaced, &made.file.checkpoint] {
        assert_eq!(script.flaw(&text, "", board), "", "{board}");
    }
    // A field of one line would lose the line feeds of the QR code's text.
    assert!(PAGE.contains("<textarea id=\"board\""), "the board's field has one line");
    let others = Made::list(&mut Dice(2), 5, &signer).file.checkpoint;
    for board in [&printed[..31], &"0".repeat(32), &others, "x"] {
        assert_eq!(script.flaw(&text, "", board), "other_board", "{board}");
    }
    let key = Signer::new("key", [8; 32]).expect("a key").verifier.vkey();
    assert_eq!(script.flaw(&text, &key, ""), "signature_invalid");
    for text in ["", "{", "[]", "null", "7", "{\"leaves\":3}"] {
        assert_eq!(script.flaw(text, "", ""), "malformed", "{text}");
    }
}

/// One file that a grandchild can open anywhere: small, whole, and allowed to do nothing else.
#[test]
fn the_page_is_one_small_file_that_reaches_for_nothing() {
    use ring::digest::{SHA256, digest};
    assert!(PAGE.len() < 50_000, "{} bytes", PAGE.len());
    let hashed = |tag: &str| {
        let (_, rest) = PAGE.split_once(&format!("<{tag}>")).expect("a tag");
        let (inner, _) = rest.split_once(&format!("</{tag}>")).expect("its end");
        format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, inner.as_bytes())))
    };
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        hashed("script"),
        hashed("style")
    );
    let (_, rest) = PAGE.split_once("Content-Security-Policy\" content=\"").expect("a policy");
    let (said, _) = rest.split_once('"').expect("its end");
    assert_eq!(said, policy);
    for word in
        ["http:", "https:", "fetch(", "XMLHttp", "import", "src=", "href=", "innerHTML", "eval("]
    {
        assert!(!PAGE.contains(word), "{word}");
    }
    println!("figure: proof: the page has {} bytes", PAGE.len());
}

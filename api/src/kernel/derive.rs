//! What follows from a secret and is therefore stored nowhere: refresh tokens, second factors, seals.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// 32 bytes that only the holder of `secret` can compute. `label` keeps one use from another.
pub fn derived(secret: &[u8], label: &str, text: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so there is always one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return [0; 32] };
    mac.update(label.as_bytes());
    mac.update(b"|");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// Whether `tag` is what is [`derived`], in lower-case hex; compared in constant time.
pub fn is_derived(secret: &[u8], label: &str, text: &[u8], tag: &[u8]) -> bool {
    let expected = hex(&derived(secret, label, text));
    let differs = expected.bytes().zip(tag).fold(0, |all, (one, other)| all | (one ^ other));
    expected.len() == tag.len() && std::hint::black_box(differs) == 0
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_depends_on_secret_label_and_text() {
        let base = derived(b"secret", "label", b"text");
        assert_eq!(base, derived(b"secret", "label", b"text"));
        assert_ne!(base, derived(b"secre", "label", b"text"));
        assert_ne!(base, derived(b"secret", "labe", b"ltext"));
        assert_ne!(base, derived(b"secret", "label", b"tex"));
        assert_eq!(hex(&[0, 255]), "00ff");
        // What was printed and stored stays good.
        let known = "7f53e60b343552ecabc5505519d3be06c0e9c05bac89d7a086288ca9eb119855";
        assert_eq!(hex(&base), known);
        let tag = hex(&base);
        assert!(is_derived(b"secret", "label", b"text", tag.as_bytes()));
        let short = tag.get(..63).expect("63 digits");
        for tag in ["", short, &tag.to_uppercase(), &format!("{tag}0"), &"0".repeat(64)] {
            assert!(!is_derived(b"secret", "label", b"text", tag.as_bytes()), "{tag}");
        }
    }
}

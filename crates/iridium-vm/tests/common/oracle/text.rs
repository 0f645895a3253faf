//! Text and bytes as the oracle has them: slow and obvious.

/// A float as `ftoa` writes it.
pub(crate) fn float_text(number: f64, how: i64) -> String {
    match how {
        0..=100 => format!("{number:.*}", how as usize),
        -2 => format!("{number:e}"),
        _ => format!("{number:?}"),
    }
}

/// The number that a text is.
pub(crate) fn number(bytes: &[u8]) -> Option<f64> {
    String::from_utf8(bytes.to_vec()).ok()?.parse().ok()
}

/// Where bytes are in others.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> i64 {
    (0..=hay.len()).find(|at| hay[*at..].starts_with(needle)).map_or(-1, |at| at as i64)
}

/// SipHash-1-3 with the key (`key`, 0), word by word as in the paper.
pub(crate) fn sip(key: u64, bytes: &[u8]) -> u64 {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len() / 8 * 8 + 7, 0);
    padded.push(bytes.len() as u8);
    let mut v = [
        0x736f_6d65_7073_6575 ^ key,
        0x646f_7261_6e64_6f6d,
        0x6c79_6765_6e65_7261 ^ key,
        0x7465_6462_7974_6573u64,
    ];
    let round = |v: &mut [u64; 4]| {
        for (a, b, by) in [(0, 1, 13), (2, 3, 16)] {
            v[a] = v[a].wrapping_add(v[b]);
            v[b] = v[b].rotate_left(by) ^ v[a];
        }
        v[0] = v[0].rotate_left(32);
        for (a, b, by) in [(2, 1, 17), (0, 3, 21)] {
            v[a] = v[a].wrapping_add(v[b]);
            v[b] = v[b].rotate_left(by) ^ v[a];
        }
        v[2] = v[2].rotate_left(32);
    };
    for word in padded.chunks(8) {
        let word = u64::from_le_bytes(word.try_into().unwrap());
        v[3] ^= word;
        round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    (0..3).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

//! The handshake against the test vectors of `cacophony` and `snow`, and against
//! those who do not keep to it.

use super::*;

/// One published run: prologue, keys, and what each message holds and becomes.
struct Vector {
    prologue: &'static str,
    initiator: [&'static str; 2],
    responder: [&'static str; 2],
    messages: &'static [(&'static str, &'static str)],
}

/// From cacophony's `cacophony.txt`, `Noise_XX_25519_ChaChaPoly_SHA256`.
const CACOPHONY: Vector = Vector {
    prologue: "4a6f686e2047616c74",
    initiator: [
        "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
        "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
    ],
    responder: [
        "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
        "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
    ],
    messages: &[
        (
            "4c756477696720766f6e204d69736573",
            "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573",
        ),
        (
            "4d757272617920526f746862617264",
            "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f8814c7194e83f23dbd8d162c9326ad",
        ),
        (
            "462e20412e20486179656b",
            "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169ae80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49b25030",
        ),
        ("4361726c204d656e676572", "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df"),
        (
            "4a65616e2d426170746973746520536179",
            "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5",
        ),
        (
            "457567656e2042f6686d20766f6e2042617765726b",
            "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f",
        ),
    ],
};

/// From snow's `snow.txt`, the same protocol.
const SNOW: Vector = Vector {
    prologue: "5468657265206973206e6f20726967687420616e642077726f6e672e2054686572652773206f6e6c792066756e20616e6420626f72696e672e",
    initiator: [
        "7dec208517a3b81a2861d7a71266d5d6dc944c5a8816634a86fe63198a0148ee",
        "a32daf21e93c0131495ce1d903181fde81cc46937daaeb990bae7c992709421e",
    ],
    responder: [
        "4d0aed5098e3b4ef20357e9f686ce66204c792b358da2e475017d6c485304881",
        "4eece0f195d026db035ff987597c429d3ad3bcc2944df37d649528951b2a27c5",
    ],
    messages: &[
        (
            "d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34",
            "f9fa868ba97ab8a2686deccfaad5a484ee10a5bb85e3d1dce015a84797f92818d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34",
        ),
        (
            "d8190a92f7dc0c93dbea9118ba8055751fb7c6590c416ffbd419964132b99a85",
            "8c4e6fdb7d09d501a86f7eca5c234522751706ed409182c05cdf5f827d4dae47b81c6c5f43b025692c24391eefee725c17d8cb0fbe3e4abb8aedf42c4fd2592d4ea48ac08989d6ae8b4adae08b2c34087c808c7aa55a63c02b0fab9e930612336bd43eaea04d3c670a0a146691aa9cc9d357872320dc735dbc48580cffb553db",
        ),
        (
            "77891b19dcb92ef7c055b672c4a5aa7fdf1c84146b8b303459022729473ce254",
            "933ca6b5ed60df3df66121f0ab49a09e49efa45c613a86a3cecbf4c535cef2f83f72b42837b18e3572f2fdc2b74c331e2368a545cef54bdca081678ab0e9dd5348122459e0c034c851984d88ce610963d43cde6cfe73a67fbd5a63e8bfca96d0",
        ),
        (
            "d7efdf988072881941db045a42882433817555128fbf5663e56081712ec7d212",
            "54ef0ff0629e1aaa7685a2806ab111cba76b52331f2642276736f415868eacb69ab2577f3bda0cbf72f879685f6ed25f",
        ),
    ],
};

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

fn side(role: Role, prologue: &str, keys: [&str; 2]) -> Handshake {
    let [fixed, ephemeral] = keys.map(|key| Zeroizing::new(bytes(key).try_into().unwrap()));
    Handshake::new(role, &bytes(prologue), fixed, ephemeral)
}

fn sides(vector: &Vector) -> [Handshake; 2] {
    let initiator = side(Role::Initiator, vector.prologue, vector.initiator);
    [initiator, side(Role::Responder, vector.prologue, vector.responder)]
}

fn runs_as_published(vector: &Vector) {
    let mut sides = sides(vector);
    let (handshake, session) = vector.messages.split_at(PATTERN.len());
    for (at, (payload, message)) in handshake.iter().enumerate() {
        assert!(sides[at % 2].is_our_turn() && !sides[1 - at % 2].is_our_turn());
        let written = sides[at % 2].write(&bytes(payload)).unwrap();
        assert_eq!(hex::encode(&written), *message);
        assert_eq!(hex::encode(sides[1 - at % 2].read(&written).unwrap()), *payload);
    }
    assert!(sides.iter().all(Handshake::is_done));
    let [initiator, responder] = sides;
    let (key, mut first) = initiator.finish();
    assert_eq!(key, public(&bytes(vector.responder[0]).try_into().unwrap()));
    let (_, mut second) = responder.finish();
    // After three messages it is the responder's turn.
    for (at, (payload, message)) in session.iter().enumerate() {
        let (from, to) =
            if at % 2 == 0 { (&mut second, &mut first) } else { (&mut first, &mut second) };
        let mut text = bytes(payload);
        let tag = from.0.seal(&[], &mut text).unwrap();
        let mut sealed = [&text[..], &tag].concat();
        assert_eq!(hex::encode(&sealed), *message);
        assert_eq!(hex::encode(to.1.open(&[], &mut sealed).unwrap()), *payload);
    }
}

#[test]
fn it_runs_as_others_published_it() {
    runs_as_published(&CACOPHONY);
    runs_as_published(&SNOW);
}

#[test]
fn every_altered_or_shortened_message_is_refused() {
    for message in 0..PATTERN.len() {
        let length = CACOPHONY.messages[message].1.len() / 2;
        for at in 0..length {
            let [mut initiator, mut responder] = sides(&CACOPHONY);
            let mut is_refused = false;
            for turn in 0..PATTERN.len() {
                let (from, to) = if turn % 2 == 0 {
                    (&mut initiator, &mut responder)
                } else {
                    (&mut responder, &mut initiator)
                };
                let mut written = from.write(&bytes(CACOPHONY.messages[turn].0)).unwrap();
                if turn == message {
                    written[at] ^= 1;
                    assert!(to.read(&written[..at]).is_err() || message == 0, "cut at {at}");
                }
                is_refused = to.read(&written).is_err();
                if is_refused {
                    break;
                }
            }
            assert!(is_refused, "byte {at} of message {message}");
        }
    }
}

#[test]
fn another_prologue_or_a_key_of_small_order_is_refused() {
    let [mut initiator, _] = sides(&CACOPHONY);
    let mut responder = side(Role::Responder, "00", CACOPHONY.responder);
    responder.read(&initiator.write(&[]).unwrap()).unwrap();
    assert!(matches!(initiator.read(&responder.write(&[]).unwrap()), Err(Error::Altered)));

    let [_, mut responder] = sides(&CACOPHONY);
    responder.read(&[0; KEY_BYTES]).unwrap();
    assert!(matches!(responder.write(&[]), Err(Error::Malformed("a key of small order"))));
}

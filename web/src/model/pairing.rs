//! Pairing as a person goes through it: two ions link by codes that people
//! carry, one each way, and no relay has a part in it.
//!
//! What a code means is the ion's to say; here only its form is checked, so
//! that what was plainly not copied whole is refused at once. Bounds:
//! [`CODE_CHARS_MAX`] characters a code.

use node_core::node::event::Pairing;

/// The longest code that is passed on, in characters: twice what an ion makes.
pub const CODE_CHARS_MAX: usize = 2_000;
/// The shortest text that can be a code, in characters.
pub const CODE_CHARS_MIN: usize = 16;

/// What the person chose to do first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Nothing yet.
    #[default]
    Open,
    /// To show a code, and to bring the answer back.
    Shows,
    /// To take a code that the other ion shows.
    Takes,
}

/// What the page is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The two roles, to choose from.
    Choose,
    /// A field for the other ion's code.
    Enter,
    /// The ion is at work; no code is there yet.
    Working,
    /// The ion's own offer, and a field for the answer.
    Offer(String),
    /// The offer was not answered in time.
    Expired,
    /// The answer, to be carried back to the ion of that name.
    Answer(String, String),
    /// The two are connecting.
    Connecting(String),
    /// They are linked.
    Done(String),
    /// It did not work: what happened, why, what to do.
    Failed(node_core::node::Problem),
}

/// Where a person stands, by what the ion says, what they chose, and how long
/// ago in milliseconds the ion said it.
pub fn stage(pairing: &Pairing, role: Role, for_ms: u64) -> Stage {
    match (pairing, role) {
        (Pairing::Idle, Role::Takes) => Stage::Enter,
        (Pairing::Idle, _) => Stage::Choose,
        (Pairing::Working, _) => Stage::Working,
        (Pairing::Offer { good_for_ms, .. }, _) if for_ms >= *good_for_ms => Stage::Expired,
        (Pairing::Offer { code, .. }, _) => Stage::Offer(code.clone()),
        (Pairing::Answer { code, name }, _) => Stage::Answer(code.clone(), name.clone()),
        (Pairing::Connecting { name }, _) => Stage::Connecting(name.clone()),
        (Pairing::Done { name }, _) => Stage::Done(name.clone()),
        (Pairing::Failed(problem), _) => Stage::Failed(problem.clone()),
    }
}

/// How many of the three steps lie behind: the code, the answer, the link.
pub fn steps_done(stage: &Stage) -> usize {
    match stage {
        Stage::Offer(_) | Stage::Answer(..) => 1,
        Stage::Connecting(_) => 2,
        Stage::Done(_) => 3,
        _ => 0,
    }
}

/// Whether giving up would end something.
pub fn is_under_way(pairing: &Pairing) -> bool {
    !matches!(pairing, Pairing::Idle | Pairing::Done { .. } | Pairing::Failed(_))
}

/// Where pairing stands, in few words, for the page behind the dialog.
pub fn standing(pairing: &Pairing) -> Option<String> {
    match pairing {
        Pairing::Idle | Pairing::Done { .. } | Pairing::Failed(_) => None,
        Pairing::Working => Some("A code is being made.".to_owned()),
        Pairing::Offer { .. } => Some("A code waits for its answer.".to_owned()),
        Pairing::Answer { name, .. } => Some(format!("An answer is to be carried to {name}.")),
        Pairing::Connecting { name } => Some(format!("Connecting to {name}.")),
    }
}

/// The time left of an offer as a clock shows it: `4:05`.
pub fn countdown(good_for_ms: u64, for_ms: u64) -> String {
    // Rounded up, so that it ends at 0:00 and not a second early.
    let seconds = good_for_ms.saturating_sub(for_ms).div_ceil(1_000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// The code in what a person pasted or a camera read: white space, which mail
/// and chat put in, is dropped. The error says what is wrong, as a sentence.
pub fn from_paste(text: &str) -> Result<String, String> {
    let code: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if code.is_empty() {
        return Err("Paste the code first.".to_owned());
    }
    if code.len() > CODE_CHARS_MAX {
        return Err(format!("This is longer than any code ({CODE_CHARS_MAX} characters)."));
    }
    if !code.chars().all(|c| c.is_ascii_graphic()) {
        return Err("This has characters that no code has.".to_owned());
    }
    if code.len() < CODE_CHARS_MIN {
        return Err("This is too short to be a code; copy the whole of it.".to_owned());
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Pairing {
        Pairing::Offer { code: "abc".to_owned(), good_for_ms: 300_000 }
    }

    #[test]
    fn the_ion_rules_what_is_shown_and_the_person_where_it_is_idle() {
        assert_eq!(stage(&Pairing::Idle, Role::Open, 0), Stage::Choose);
        assert_eq!(stage(&Pairing::Idle, Role::Takes, 0), Stage::Enter);
        assert_eq!(stage(&Pairing::Working, Role::Takes, 0), Stage::Working);
        assert_eq!(stage(&offer(), Role::Takes, 0), Stage::Offer("abc".to_owned()));
    }

    #[test]
    fn an_offer_ends_when_its_time_is_over() {
        assert_eq!(stage(&offer(), Role::Shows, 299_999), Stage::Offer("abc".to_owned()));
        assert_eq!(stage(&offer(), Role::Shows, 300_000), Stage::Expired);
        assert_eq!(countdown(300_000, 0), "5:00");
        assert_eq!(countdown(300_000, 55_100), "4:05");
        assert_eq!(countdown(300_000, 299_999), "0:01");
        assert_eq!(countdown(300_000, 400_000), "0:00");
    }

    #[test]
    fn steps_count_up_to_the_link() {
        let name = || "amber-finch".to_owned();
        let stages = [
            Stage::Choose,
            Stage::Answer("x".to_owned(), name()),
            Stage::Connecting(name()),
            Stage::Done(name()),
        ];
        assert_eq!(stages.each_ref().map(steps_done), [0, 1, 2, 3]);
    }

    #[test]
    fn what_is_pasted_is_cleaned_and_what_is_no_code_is_refused() {
        let code = "AbCdEfGhIjKlMnOpQrSt-_";
        let torn = format!("  {}\n {}\r\n", &code[..9], &code[9..]);
        assert_eq!(from_paste(&torn).as_deref(), Ok(code));
        let wrong = ["", "  \n", "short", "this-code-has-a-ü-in-it", &"x".repeat(2_001)];
        for text in wrong {
            assert!(from_paste(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_is_under_way_can_be_given_up() {
        assert!(is_under_way(&Pairing::Working) && is_under_way(&offer()));
        assert!(!is_under_way(&Pairing::Idle));
        assert!(!is_under_way(&Pairing::Done { name: "a".to_owned() }));
        assert_eq!(standing(&Pairing::Idle), None);
        assert!(standing(&offer()).is_some());
    }
}

//! A job's results as the inputs of another.
//!
//! Each comes without the line end that it ends with; where several make one input, a
//! line end stands between them. Tasks that failed have none. Refused are results that
//! are too much for one job, and ways to put them together that are too much for a task.

use node_core::{
    compute::{Input, Inputs, spec::INPUTS_BYTES_MAX, wire::INPUT_BYTES_MAX},
    node::Problem,
};

use super::{
    format, inputs::checked, job::Job, news::problem, outcome::contribution, setup::Choice,
};

/// How many results can be asked to make one input.
pub const EACH: [Choice<usize>; 4] = [
    (1, "1", "One result"),
    (10, "10", "10 results"),
    (100, "100", "100 results"),
    (ALL, "all", "All of them"),
];

const ALL: usize = usize::MAX;

/// Results that are to be inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// The name of the job whose they are.
    pub of: String,
    texts: Vec<Input>,
    failed: u64,
}

impl Results {
    /// Those of a job; the error is why they cannot be inputs, and what to do instead.
    pub fn of(job: &Job) -> Result<Self, Problem> {
        let results = job.results();
        // With room for the line ends between them.
        let bytes = job.bytes() + results.len() as u64;
        check(if job.is_shortened() { u64::MAX } else { bytes })?;
        let mut texts = Vec::new();
        for (task, result) in results.iter().enumerate() {
            if result.report.stop.is_some() {
                continue;
            }
            let output = contribution(&result.report, job.request.has_lines());
            let text = output.strip_suffix(b"\n").unwrap_or(&output);
            if text.len() > INPUT_BYTES_MAX {
                let bytes = [text.len(), INPUT_BYTES_MAX].map(|bytes| format::count(bytes as u64));
                let [bytes, most] = bytes;
                let why = format!("That of task {task} has {bytes} bytes; a task may get {most}.");
                let remedy = "Download them, and choose “A file, by lines” instead.";
                return Err(refused(&why, remedy));
            }
            texts.push(Input::from(text));
        }
        if texts.is_empty() {
            return Err(refused("No task gave one.", "Retry those that failed first."));
        }
        let failed = results.len() as u64 - texts.len() as u64;
        Ok(Self { of: job.view.name.clone(), texts, failed })
    }

    /// How many inputs they make; the error is why they cannot, and what to choose instead.
    pub fn count(&self, each: usize) -> Result<u64, String> {
        let bytes = |texts: &[Input]| texts.iter().map(|one| one.len() + 1).sum::<usize>() - 1;
        let fit = |each| self.groups(each).all(|texts| bytes(texts) <= INPUT_BYTES_MAX);
        // One result by itself always does.
        let most =
            EACH.iter().rev().find(|(one, ..)| *one <= each && fit(*one)).unwrap_or(&EACH[0]);
        if most.0 == each {
            return Ok(self.groups(each).len() as u64);
        }
        let (limit, instead) = (format::count(INPUT_BYTES_MAX as u64), most.2);
        Err(format!(
            "An input would have more than the {limit} bytes that a task may get. Choose \
             “{instead}” instead."
        ))
    }

    /// The inputs that they make; the error as with [`Self::count`].
    pub fn inputs(&self, each: usize) -> Result<Inputs, String> {
        self.count(each)?;
        let joined = |texts: &[Input]| {
            let texts: Vec<&[u8]> = texts.iter().map(|text| &***text).collect();
            Input::from(texts.join(&b'\n'))
        };
        checked(Inputs::List(self.groups(each).map(joined).collect()))
    }

    /// How many there are, of what, and how many tasks have none.
    pub fn about(&self) -> String {
        let (results, of) = (format::counted(self.texts.len() as u64, "result"), &self.of);
        match self.failed {
            0 => format!("{results} of {of}"),
            some => {
                format!("{results} of {of}, without {} that failed", format::counted(some, "task"))
            }
        }
    }

    fn groups(&self, each: usize) -> std::slice::Chunks<'_, Input> {
        self.texts.chunks(each.max(1))
    }
}

/// Whether that many bytes are not too much for a job.
fn check(bytes: u64) -> Result<(), Problem> {
    if bytes <= INPUTS_BYTES_MAX as u64 {
        return Ok(());
    }
    let most = format::count(INPUTS_BYTES_MAX as u64);
    let why = format!("Together they have more than the {most} bytes that a job may have.");
    let remedy = "Download them, and run the other spark over one part after another.";
    Err(refused(&why, remedy))
}

fn refused(why: &str, remedy: &str) -> Problem {
    problem("The results cannot be inputs", why, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::tests::{failed, job, result};

    fn of(outputs: &[&str]) -> Job {
        let mut job = job(outputs.len().try_into().expect("few"), None);
        job.take(0, outputs.iter().map(|output| result(output)).collect());
        job
    }

    fn inputs(results: &Results, each: usize) -> Vec<String> {
        let inputs = results.inputs(each).expect("they fit");
        let text = |task| String::from_utf8(inputs.get(task).expect("it is there").into_vec());
        (0..inputs.len()).map(|task| text(task).expect("text")).collect()
    }

    #[test]
    fn results_are_put_together_in_order() {
        let results = Results::of(&of(&["a\n", "b\nc\n\n", "", "d"])).expect("some");
        assert_eq!(inputs(&results, 1), ["a", "b\nc\n", "", "d"]);
        assert_eq!(inputs(&results, 10), ["a\nb\nc\n\n\nd"]);
        assert_eq!(inputs(&results, ALL), inputs(&results, 10));
        let many = Results::of(&of(&["x"; 101])).expect("some");
        assert_eq!(EACH.map(|(each, ..)| many.count(each)), [Ok(101), Ok(11), Ok(2), Ok(1)]);
        assert_eq!(inputs(&many, 100), ["x\n".repeat(100).trim_end(), "x"]);
    }

    #[test]
    fn failed_tasks_are_left_out_and_told() {
        let mut job = job(3, None);
        job.take(0, vec![result("a"), failed(), result("b")]);
        let results = Results::of(&job).expect("some");
        assert_eq!(inputs(&results, 1), ["a", "b"]);
        assert_eq!(results.about(), "2 results of word count.wasm, without 1 task that failed");
        let mut job = self::job(1, None);
        job.take(0, vec![failed()]);
        assert!(Results::of(&job).expect_err("none").remedy.contains("Retry"));
    }

    #[test]
    fn too_much_is_refused_with_what_to_choose_instead() {
        let half = "x".repeat(INPUT_BYTES_MAX / 2);
        let results = Results::of(&of(&[&half, &half, "a"])).expect("some");
        assert_eq!(results.count(1), Ok(3));
        let why = results.inputs(10).expect_err("it is too much");
        assert!(why.contains("262,144 bytes") && why.ends_with("“One result” instead."), "{why}");
        let tenth = "x".repeat(INPUT_BYTES_MAX / 20);
        let results = Results::of(&of(&vec![tenth.as_str(); 30])).expect("some");
        assert!(results.count(ALL).expect_err("it is too much").contains("Choose “10 results”"));
        let why = Results::of(&of(&["a", &"x".repeat(INPUT_BYTES_MAX + 1)])).expect_err("one");
        assert!(why.why.contains("task 1 has 262,145 bytes"), "{}", why.why);
        assert!(why.remedy.contains("by lines"), "{}", why.remedy);
        assert!(check(64 << 20).is_ok());
        let why = check((64 << 20) + 1).expect_err("all").why;
        assert!(why.contains("67,108,864"), "{why}");
    }
}

//! Stories of tables.

use node_core::compute::wire::INPUT_BYTES_MAX;

use super::*;

fn read(text: &str) -> Table {
    Table::read(text.as_bytes()).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn list(rows: &[&str]) -> Inputs {
    Inputs::List(rows.iter().map(|row| Input::from(row.as_bytes())).collect())
}

#[test]
fn each_row_becomes_a_record_with_commas() {
    let table = read("\u{feff}name; size \r\n\"a;\nb\";1,5\r\n\"\"\"\";\r\n\r\n");
    assert_eq!(table.columns, ["name", "size"]);
    assert_eq!(table.rows, list(&["\"a;\nb\",\"1,5\"", "\"\"\"\","]));
    assert_eq!(table.fields(1), ["\"", ""]);
    assert_eq!(table.fields(2), [""]);
}

#[test]
fn the_separator_is_that_of_the_first_line() {
    let cases = [("a,b\n1;2,3", "commas"), ("a;b\n1;2,3", "semicolons"), ("a\tb\n1\t2", "tabs")];
    for (text, separator) in cases {
        assert_eq!(read(text).separator, separator, "{text}");
    }
    // What stands in quotes separates nothing.
    assert_eq!(read("\"a;b;c\",d\n1,2").columns, ["a;b;c", "d"]);
    assert_eq!(read("a\n\n2").rows, list(&["", "2"]));
}

#[test]
fn what_is_no_table_is_refused_by_its_line() {
    let long = format!("a\n1\n{}", "x".repeat(INPUT_BYTES_MAX + 1));
    let many = format!("a\n{}", "1\n".repeat(usize::try_from(TASKS_MAX).unwrap_or(0) + 1));
    let wide = vec!["a"; csv::FIELDS_MAX + 1].join(",");
    let cases = [
        ("", "no table yet"),
        ("\r\n\n", "no table yet"),
        ("a,b\n", "no row below"),
        ("a,b\n1,2\n3\n", "Line 3 has 1 field, and line 1 names 2 columns."),
        ("a,b\n\"1\n\n\",2\n\n3,4", "Line 5 has 1 field,"),
        ("a,b\n1,2,3", "Line 2 has 3 fields, and line 1 names 2 columns."),
        ("a,b\n1,\"2\n3,4", "Line 2 is no CSV: a quote is opened and not closed."),
        ("a,b\n1,2\"\n", "Line 2 is no CSV: a quote stands where none may"),
        ("\"a,b\n1,2", "Line 1 is no CSV: a quote is opened and not closed."),
        ("1,2\n3,4", "Line 1 has to name the columns, and column 1 there is \"1\", a number."),
        ("a,-1.5e3\n3,4", "column 2 there is \"-1.5e3\""),
        ("a,07\n3,4", "column 2 there is \"07\""),
        ("a, \n3,4", "column 2 has no name"),
        ("a,b, a\n1,2,3", "Line 1 names two columns \"a\"."),
        (&wide, "more than 1024 fields"),
        (&long, "input 2 has 262145 bytes; a task may get 262144"),
        (&many, "Line 1000002 is one row too many: a job may have 1,000,000."),
    ];
    for (text, words) in cases {
        let shown: String = text.chars().take(40).collect();
        let why = Table::read(text.as_bytes()).expect_err(&shown);
        assert!(why.contains(words), "{shown}: {why}");
    }
    assert!(Table::read(b"a\n\xff").is_err_and(|why| why.contains("UTF-8")));
    assert!(Table::read(&many.as_bytes()[..many.len() - 2]).is_ok());
}

#[test]
fn names_in_arguments_become_numbers() {
    let table = read("first,a b\n1,2");
    let numbered = |argument: &str| table.numbered(&[argument.to_owned()]);
    let cases = [
        ("{first}", "{#1}"),
        ("x{ a b }{first}y", "x{#2}{#1}y"),
        ("{}{#2}", "{}{#2}"),
        ("[a-z]{2}x{1,3}y{2,}", "[a-z]{2}x{1,3}y{2,}"),
        ("{\"n\": {a b}}", "{\"n\": {#2}}"),
        ("{\"n\": 1}", "{\"n\": 1}"),
        ("}{", "}{"),
    ];
    for (argument, expected) in cases {
        assert_eq!(numbered(argument), Ok(vec![expected.to_owned()]), "{argument}");
    }
    let said = "There is no column {frist}; there is {first}, {a b}.";
    assert_eq!(numbered("{frist}"), Err(said.to_owned()));
    for argument in ["{#0}", "{#3}", "{#}", "{+1}", "{-1}", "{#99999999999999999999999}"] {
        assert!(numbered(argument).is_err(), "{argument}");
    }
}

#[test]
fn rows_become_objects_with_numbers_as_numbers() {
    let table = read("n,a \"\"b\n1,x".replace("a \"\"b", "\"a \"\"b\"").as_str());
    assert_eq!(table.object(0), "{\"n\": 1, \"a \\\"b\": \"x\"}");
    let numbers = ["0", "-0", "12", "-1.50", "1e9", "0.1E-05", "2e+3"];
    let texts =
        ["", "-", "01", "+1", "1.", ".5", "1e", "e1", " 1", "1 ", "0x1", "NaN", "1-1", "1e+"];
    for (fields, is_text) in [(&numbers[..], false), (&texts[..], true)] {
        for field in fields {
            let object = read(&format!("n\n0\n{field}\n0")).object(1);
            let value = if is_text { format!("\"{field}\"") } else { (*field).to_owned() };
            assert_eq!(object, format!("{{\"n\": {value}}}"));
            assert!(serde_json::from_str::<serde_json::Value>(&object).is_ok(), "{object}");
        }
    }
    assert_eq!(table.objects(), Ok(list(&["{\"n\": 1, \"a \\\"b\": \"x\"}"])));
}

#[test]
fn a_table_says_how_it_was_read() {
    assert_eq!(Given::default().about(), "");
    assert_eq!(
        Given::pasted("a;b\n1;2".to_owned()).about(),
        "1 row of 2 columns, separated by semicolons."
    );
    assert_eq!(Given::file("t.csv".to_owned(), b"a\n1\n2").about(), "t.csv: 2 rows of 1 column.");
    let wrong = Given::file("t.csv".to_owned(), b"a");
    assert_eq!(wrong.about(), "");
    assert!(wrong.mistake().is_some_and(|why| why.starts_with("t.csv: The table has no row")));
    assert_eq!(Given::pasted("a".to_owned()).mistake(), None);
}

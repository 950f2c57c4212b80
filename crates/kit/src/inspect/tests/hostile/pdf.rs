//! PDFs that act by themselves, hide that they do, or are broken.

use super::{Case, Kind, Refused, all_refused, inspect, samples, with};

#[test]
fn pdfs_that_act_are_refused() {
    let action = b"<</S /JavaScript /JS (app.alert(1))>>";
    let object = [b"7 0 obj ".as_slice(), action, b" endobj"].concat();
    let within = |before: &[u8], after: &[u8]| samples::pdf_with(&[before, &object, after].concat());
    let cases: Vec<Case> = vec![
        ("script", within(b"", b"")),
        (
            "script in a tree of names",
            samples::pdf_with(b"7 0 obj <</Names <</JavaScript 8 0 R>>>> endobj"),
        ),
        (
            "escaped name",
            samples::pdf_with(b"7 0 obj <</S /J#61vaScript>> endobj"),
        ),
        (
            "wholly escaped name",
            samples::pdf_with(b"7 0 obj <</S /#4A#61#76#61#53#63#72#69#70#74>> endobj"),
        ),
        ("JS alone", samples::pdf_with(b"7 0 obj <</#4aS(x)>> endobj")),
        ("program", samples::pdf_with(b"7 0 obj <</S/Launch/F(cmd.exe)>> endobj")),
        (
            "file in it",
            samples::pdf_with(&samples::stream("/Type/EmbeddedFile", b"MZ")),
        ),
        (
            "rich media",
            samples::pdf_with(b"7 0 obj <</Subtype /RichMedia>> endobj"),
        ),
        (
            "form of the other sort",
            samples::pdf_with(b"7 0 obj <</AcroForm <</XFA 8 0 R>>>> endobj"),
        ),
        (
            "form that sends",
            samples::pdf_with(b"7 0 obj <</S /SubmitForm /F (http://evil)>> endobj"),
        ),
        (
            "form that fetches",
            samples::pdf_with(b"7 0 obj <</S /ImportData>> endobj"),
        ),
        ("packed", samples::pdf_with(&samples::packed(action))),
        (
            "packed as it is",
            samples::pdf_with(&samples::stream("/Type /ObjStm /First 4", action)),
        ),
        (
            "packed without its type",
            samples::pdf_with(&samples::stream(
                "/Type 9 0 R/First 4/Filter/Fl",
                &samples::deflated(action),
            )),
        ),
        (
            "packed name at the end",
            samples::pdf_with(&samples::packed(b"/JavaScript")),
        ),
        (
            "plain name at the end",
            samples::pdf_with(b"4 0 obj <</Type/ObjStm>> stream\n/JS endstream endobj"),
        ),
        ("within a text", within(b"6 0 obj (", b") endobj")),
        ("within a comment", within(b"% ", b"")),
        ("within hexadecimal", within(b"6 0 obj <", b"> endobj")),
        ("within a stream", samples::pdf_with(&samples::stream("", &object))),
        (
            "after a false stream",
            samples::pdf_with(b"7 0 obj <</A [(1 0 obj) << >> stream ] /S /JavaScript /JS (x)>> endobj"),
        ),
        (
            "after a false dictionary",
            samples::pdf_with(b"7 0 obj <</A << >> stream /S /JavaScript /JS (x)>> endobj"),
        ),
        (
            "in a false array",
            samples::pdf_with(b"6 0 obj [ 7 0 obj << >> stream\n<</S /JavaScript>> ] endobj"),
        ),
        (
            "in a trailer within a text",
            samples::pdf_with(b"6 0 obj ( trailer <</A <</S /JavaScript>>>> ) endobj"),
        ),
        (
            "added later",
            with(samples::pdf(), &[object.as_slice(), b" startxref 1 %%EOF"].concat()),
        ),
    ];
    all_refused(cases, |why| matches!(why, Refused::Active(_)));
}

#[test]
fn broken_pdfs_are_refused() {
    let bomb = samples::packed(&vec![b' '; 33 * 1024 * 1024]);
    let packed_oddly =
        |entries: &str| samples::pdf_with(&samples::stream(entries, &samples::deflated(b"7 0 <</A 1>>")));
    let cases: Vec<Case> = vec![
        ("header and end alone", b"%PDF-1.4\n%%EOF".to_vec()),
        ("no index", b"%PDF-1.4\n1 0 obj <<>> endobj\n%%EOF".to_vec()),
        ("objects that unfold without end", samples::pdf_with(&bomb)),
        (
            "packed noise",
            samples::pdf_with(&samples::stream("/Type/ObjStm/Filter/FlateDecode", b"noise")),
        ),
        (
            "packed twice",
            packed_oddly("/Type/ObjStm/Filter[/FlateDecode/FlateDecode]"),
        ),
        (
            "packed oddly",
            packed_oddly("/Type/ObjStm/Filter/FlateDecode/DecodeParms<</Predictor 12>>"),
        ),
        ("packed somehow", packed_oddly("/Type/ObjStm/Filter 9 0 R")),
    ];
    for (name, bytes) in cases {
        let why = inspect(&bytes).expect_err("it is refused");
        assert!(
            matches!(why, Refused::Damaged { kind: Kind::Pdf, .. }),
            "{name}: {why:?}"
        );
    }
}

use futures_util::stream;

use super::*;

type Parsed = Vec<(Part, Vec<u8>)>;

/// Parses a body that arrives in pieces of the given length.
fn parse(body: &[u8], piece: usize) -> Result<Parsed, MultipartError<()>> {
    let pieces: Vec<Result<Bytes, ()>> =
        body.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let mut multipart = Multipart::new(stream::iter(pieces), "XX");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut parts = Vec::new();
        while let Some(part) = multipart.next_part().await? {
            let mut data = Vec::new();
            while let Some(chunk) = multipart.chunk().await? {
                data.extend_from_slice(&chunk);
            }
            parts.push((part, data));
        }
        Ok(parts)
    })
}

#[track_caller]
fn check(body: &str, expected: &[(&str, Option<&str>, &str)]) {
    for piece in 1..=body.len().max(1) {
        let parts = parse(body.as_bytes(), piece).unwrap();
        let parts: Vec<_> = parts
            .iter()
            .map(|(part, data)| {
                (part.name.as_str(), part.filename.as_deref(), std::str::from_utf8(data).unwrap())
            })
            .collect();
        assert_eq!(parts, expected, "in pieces of {piece}");
    }
}

#[track_caller]
fn check_refused(body: &str, message: &'static str) {
    for piece in [1, 2, 7, 1000] {
        let error = parse(body.as_bytes(), piece).unwrap_err();
        assert_eq!(error, MultipartError::Syntax(message), "in pieces of {piece}");
    }
}

#[test]
fn parts_are_the_same_however_the_body_is_cut() {
    check(
        "--XX\r\nContent-Disposition: form-data; name=\"files[]\"; filename=\"a.png\"\r\n\
         Content-Type: image/png\r\n\r\nab\r\n--X\r\n-\r\n\r\n--XX\r\n\
         content-disposition:form-data;name=request\r\n\r\n{}\r\n--XX--\r\n",
        &[("files[]", Some("a.png"), "ab\r\n--X\r\n-\r\n"), ("request", None, "{}")],
    );
}

#[test]
fn preamble_padding_epilogue_and_empty_parts_are_fine() {
    check(
        "hello\r\n--XX \t\r\nContent-Disposition: form-data; name = \"a\"\r\n\r\n\r\n--XX--bye",
        &[("a", None, "")],
    );
    check("--XX--", &[]);
}

#[test]
fn filenames_are_read_as_clients_write_them() {
    let check_name = |parameters: &str, expected: &str| {
        let head = format!("\r\nContent-Disposition: form-data; name=f; {parameters}\r\n\r\n");
        let part = parse_headers(head.as_bytes()).unwrap();
        assert_eq!(part.filename.as_deref(), Some(expected), "{parameters}");
    };
    check_name(r#"filename="a;b=c.png""#, "a;b=c.png");
    check_name(r#"filename="a\"b\\c.png""#, r#"a"b\c.png"#);
    check_name(r#"filename="C:\fakepath\x.png""#, r"C:\fakepath\x.png");
    check_name(r#"filename="say %22hi%22.png""#, r#"say "hi".png"#);
    check_name("filename*=utf-8''na%C3%AFve%20%e2%82%ac.png", "naïve €.png");
    check_name(r#"filename*=utf-8''b.png; filename="a.png""#, "b.png");
    check_name(r#"filename="""#, "");
    check_name("filename*=utf-8''100%", "100%");
}

#[test]
fn broken_bodies_are_refused() {
    const EARLY: &str = "the body ends before its last boundary";
    check_refused("", EARLY);
    check_refused("no boundary at all", EARLY);
    check_refused("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\ncut", EARLY);
    check_refused("--XX\r\nContent-Disposition: form-data; name=a\r\n", EARLY);
    check_refused(
        "--XXtra\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--XX--",
        "a boundary is followed by something else than a line end",
    );
    check_refused(
        "--XX\r\n\r\n\r\n--XX--",
        "a part lacks its `Content-Disposition: form-data; name=…`",
    );
}

#[test]
fn endless_headers_are_refused_in_bounded_memory() {
    let body = format!("--XX\r\n{}", "x".repeat(1 << 20));
    let pieces =
        body.as_bytes().chunks(4096).map(|piece| Ok::<_, ()>(Bytes::copy_from_slice(piece)));
    let mut multipart = Multipart::new(stream::iter(pieces), "XX");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(multipart.next_part()).unwrap_err();
    assert_eq!(error, MultipartError::Syntax("the headers of a part are too long"));
    assert!(multipart.buffer.len() < 2 * HEADERS_MAX);
}

#[test]
fn boundaries_are_found_in_content_types() {
    let check = |content_type: &str, expected: Option<&str>| {
        assert_eq!(boundary(content_type).as_deref(), expected, "{content_type}");
    };
    check("multipart/form-data; boundary=abc", Some("abc"));
    check("Multipart/Form-Data ;charset=utf-8 ; Boundary = \"a b\" ", Some("a b"));
    check("multipart/form-data", None);
    check("multipart/form-data; boundary=", None);
    check("application/json; boundary=abc", None);
}

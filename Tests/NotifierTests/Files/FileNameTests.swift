import Testing

@testable import Notifier

@Suite("Names of uploaded files")
struct FileNameTests {
    private static let long = String(repeating: "n", count: 120)

    private static let short: [(String, String)] = [
        ("report.pdf", "report.pdf"),
        ("/etc/passwd", "passwd"),
        ("../../etc/passwd", "passwd"),
        (#"C:\Users\me\a b.txt"#, "a_b.txt"),
        (#"..\..\boot.ini"#, "boot.ini"),
        (#"a/b\c/d.txt"#, "d.txt"),
        ("naïve café.txt", "na_ve_caf_.txt"),
        ("nai\u{308}ve.txt", "nai_ve.txt"),
        ("日本.png", "__.png"),
        ("👩‍👩‍👧.gif", "_____.gif"),
        ("a\"b'c;d&e.txt", "a_b_c_d_e.txt"),
        ("a\r\nSet-Cookie: x.txt", "a__Set-Cookie__x.txt"),
        ("a\0b.txt", "a_b.txt"),
        ("x\u{2F}\u{338}y.txt", "_y.txt"),
        ("-rf", "-rf"),
        (".bashrc", ".bashrc"),
        ("...", "..."),
        ("", "file"),
        (".", "file"),
        ("..", "file"),
        ("/", "file"),
        ("a/", "file"),
        ("a/..", "file"),
        (#"a\"#, "file"),
        (" ", "_"),
    ]
    private static let cut: [(String, String)] = [
        (long, String(long.prefix(100))),
        ("\(long).txt", "\(long.prefix(96)).txt"),
        ("\(long).tar.gz", "\(long.prefix(97)).gz"),
        ("a.\(long)", "a.\(long.prefix(98))"),
        ("\(String(repeating: "ä", count: 120)).jpeg", "\(String(repeating: "_", count: 95)).jpeg"),
    ]

    @Test("are reduced to what is unambiguous", arguments: short + cut)
    func reduced(_ original: String, _ name: String) {
        #expect(FileName.reduced(original) == name)
        let file = FileName(original)
        #expect(file.name == name && FileName(stored: file.stored) == file)
        #expect(file.stored.hasSuffix("-\(name)") && file.stored != FileName(original).stored)
    }

    @Test(
        "are stored under names that have one form",
        arguments: [
            "", "a.txt", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef-",
            "0123456789ABCDEF0123456789abcdef-a", "0123456789abcdef0123456789abcde-a",
            "0123456789abcdef0123456789abcdefa-a",
            "0123456789abcdef0123456789abcdef-a b", "0123456789abcdef0123456789abcdef-a/b",
            "0123456789abcdef0123456789abcdef-ä", "0123456789abcdef0123456789abcdef_a",
            "0123456789abcdef0123456789abcdef-" + String(repeating: "x", count: 101),
        ])
    func noStoredName(_ text: String) {
        #expect(FileName(stored: text) == nil)
    }

    @Test(
        "have a type: their sender's if it is one, else by the extension",
        arguments: [
            ("text/plain", "a.png", "text/plain"),
            ("Text/HTML; charset=UTF-8", "a", "text/html; charset=UTF-8"),
            ("image/svg+xml", "a", "image/svg+xml"),
            ("a/b; c=\"d e\"", "a", "a/b; c=\"d e\""),
            (nil, "a.PNG", "image/png"),
            (nil, "a.tar.gz", "application/gzip"),
            (nil, "png", "application/octet-stream"),
            (nil, ".png", "application/octet-stream"),
            (nil, "a.", "application/octet-stream"),
            (nil, "a.unknown", "application/octet-stream"),
            ("", "a.txt", "text/plain"),
            ("text", "a.txt", "text/plain"),
            ("text/", "a.txt", "text/plain"),
            ("text/a b", "a.txt", "text/plain"),
            ("text/plain; charset", "a.gif", "image/gif"),
            ("text/pl\u{e4}in", "a.gif", "image/gif"),
            ("a/b\r\nX: y", "a.gif", "image/gif"),
            ("a/b; c=\"d\"e\"", "a.gif", "image/gif"),
            ("a/\(long)\(long)\(long)", "a.gif", "image/gif"),
        ] as [(String?, String, String)])
    func types(_ declared: String?, _ name: String, _ type: String) {
        #expect(MediaType.of(declared, name: name) == type)
    }

    @Test("are served as nothing that a browser would run")
    func served() {
        for type in [
            "text/html", "Text/HTML; charset=utf-8", "image/svg+xml", "text/xml", "application/xml", "text/javascript",
            "application/javascript", "application/pdf", "application/wasm", "application/xhtml+xml", "text/css",
            "multipart/x-mixed-replace", "message/rfc822", "application/json", "image/svg", "text/plain2", "x/y", "",
        ] {
            #expect(MediaType.served(type) == "application/octet-stream", "\(type)")
        }
        for type in ["image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "video/mp4"] {
            #expect(MediaType.served(type) == type)
            #expect(MediaType.served(type.uppercased() + "; x=y") == type)
        }
        #expect(MediaType.served("text/plain; charset=utf-16") == "text/plain; charset=utf-8")
    }

    @Test(
        "are sent to old and new clients, whatever they are",
        arguments: [
            ("a.txt", "a.txt", "a.txt"),
            ("a b.txt", "a b.txt", "a%20b.txt"),
            ("naïve.txt", "na_ve.txt", "na%C3%AFve.txt"),
            ("€ rates", "_ rates", "%E2%82%AC%20rates"),
            ("a\"b\\c.txt", "a_b_c.txt", "a%22b%5Cc.txt"),
            ("50%.txt", "50_.txt", "50%25.txt"),
            ("a;b='c'.txt", "a;b='c'.txt", "a%3Bb%3D%27c%27.txt"),
            ("a\r\nb", "a__b", "a%0D%0Ab"),
            ("日本", "__", "%E6%97%A5%E6%9C%AC"),
            ("", "file", "file"),
            ("..", "file", ".."),
            ("(1)*.txt", "(1)*.txt", "%281%29%2A.txt"),
        ])
    func dispositions(_ name: String, _ fallback: String, _ encoded: String) {
        #expect(
            ContentDisposition.attachment(name) == "attachment; filename=\"\(fallback)\"; filename*=UTF-8''\(encoded)")
    }
}

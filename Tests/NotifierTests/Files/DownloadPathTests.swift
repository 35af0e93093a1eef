import Testing

@testable import Notifier

@Suite("Paths of downloads")
struct DownloadPathTests {
    private static let stored = "0123456789abcdef0123456789abcdef-a.txt"

    private static let relativePaths = [
        "workspace/a", "a", ".", "..", "./workspace/a", "../workspace/a", "~/a", " /workspace/a", "%2fworkspace/a",
        "file:///workspace/a", "C:/workspace/a", "\u{FF0F}workspace/a", "\\workspace\\a", "?/workspace/a",
    ]
    private static let uncleanPaths = [
        "/workspace/", "/workspace//a", "//workspace/a", "/workspace/a/", "/workspace/./a", "/./workspace/a",
        "/workspace/.", "/workspace/..", "/workspace/../etc/passwd", "/workspace/../../etc/passwd",
        "/workspace/a/../b", "/workspace/a/..", "/../workspace/a", "/workspace/../workspace/a", "/..", "/.", "/",
        "//", "///", "/workspace/../configs/a", "/configs/../etc/shadow", "/home/../root/.ssh/id_rsa",
        "/workspace/\u{FF0E}\u{FF0E}/etc/passwd", "/workspace/\u{2024}\u{2024}/a", "/workspace/\u{2025}/a",
        "/workspace/.\u{FF0E}/a", "/workspace/\u{FE52}\u{FE52}/a", "/workspace/\u{3002}\u{3002}/a",
        "/workspace/..\u{301}/a", "/workspace/.\u{301}./a",
        "/workspace/.\u{200B}./a", "/workspace/..\u{200D}/a", "/workspace/\u{FEFF}../a", "/workspace/\u{2060}./a",
    ]
    private static let ambiguousPaths = [
        "/workspace/a\0", "/workspace/\0/../../etc", "/workspace/a\n", "/workspace/a\r\nb", "/workspace/\u{7F}a",
        "/workspace/\u{85}a", "/workspace/..\\..\\etc", "/workspace/a\\b", "/workspace\\..\\etc/a",
        "/workspace/%2e%2e/etc/passwd", "/workspace/%2E%2E/etc", "/workspace/..%2fetc", "/workspace/%2e/a",
        "/workspace/%2f..%2f..%2fetc", "/workspace/..%5cetc", "/workspace/a%00.png", "/workspace/%252e%252e/etc",
        "/workspace/%252e%252e%252fetc", "/workspace/%25252e", "/workspace/%c0%ae%c0%ae/etc", "/workspace/%c0%afetc",
        "/workspace/%u002e%u002e/a", "/workspace/%u2215a", "/workspace/%uff0ea",
        "/workspace/\u{FFFD}\u{FFFD}/etc", "/workspace/..\u{FF0F}etc", "/workspace/..\u{2215}etc",
        "/workspace/..\u{2044}etc", "/workspace/..\u{29F8}etc", "/workspace/..\u{FF3C}etc", "/workspace/..\u{FE68}etc",
        "/workspace/\u{202E}txt.a", "/workspace/\u{2066}a", "/workspace/a\u{2028}b", "/workspace/..\u{338}/a",
    ]
    private static let outsidePaths = [
        "/etc/passwd", "/root/.ssh/id_rsa", "/proc/self/environ", "/proc/1/root/etc/shadow", "/sys/kernel", "/dev/mem",
        "/workspace", "/configs", "/home", "/plugins", "/workspaces/a", "/workspace2/a", "/Workspace/a", "/WORKSPACE/a",
        "/workspac/a", "/var/lib/a", "/tmp/a", "/workspace /a", "/ workspace/a", "/homes/a", "/.workspace/a",
        "/w\u{43E}rkspace/a",
        "/workspace\u{301}/a", "/.../workspace/a",
    ]

    @Test("are refused when they are not absolute", arguments: relativePaths)
    func relative(_ path: String) { #expect(throws: DownloadPath.Refusal.relative) { try DownloadPath(path) } }

    @Test("are refused when they are not clean", arguments: uncleanPaths)
    func unclean(_ path: String) { #expect(throws: DownloadPath.Refusal.unclean) { try DownloadPath(path) } }

    @Test("are refused when they are ambiguous", arguments: ambiguousPaths)
    func ambiguous(_ path: String) { #expect(throws: DownloadPath.Refusal.ambiguous) { try DownloadPath(path) } }

    @Test("are refused when they lead elsewhere", arguments: outsidePaths)
    func outside(_ path: String) { #expect(throws: DownloadPath.Refusal.outside) { try DownloadPath(path) } }

    @Test("are refused when they are missing or too long")
    func lengths() throws {
        #expect(throws: DownloadPath.Refusal.missing) { try DownloadPath(nil) }
        #expect(throws: DownloadPath.Refusal.missing) { try DownloadPath("") }
        let part = String(repeating: "a", count: 255)
        #expect(try DownloadPath("/home/\(part)").path.utf8.count == 261)
        #expect(throws: DownloadPath.Refusal.tooLong) { try DownloadPath("/home/\(part)a") }
        #expect(throws: DownloadPath.Refusal.tooLong) {
            try DownloadPath("/home/" + String(repeating: "a/", count: 63) + "a")
        }
        #expect(throws: DownloadPath.Refusal.tooLong) {
            try DownloadPath("/home" + String(repeating: "/\(part)", count: 17))
        }
        #expect(throws: DownloadPath.Refusal.tooLong) { try DownloadPath(String(repeating: "../", count: 2000)) }
    }

    @Test(
        "are taken as they are below the workspace's own folders",
        arguments: [
            ("/workspace/a", "a"), ("/configs/config.yaml", "config.yaml"), ("/home/agent/.profile", ".profile"),
            ("/plugins/x/y/z.so", "z.so"), ("/workspace/a b/ü €.txt", "ü €.txt"), ("/workspace/...", "..."),
            ("/workspace/..a", "..a"), ("/workspace/a..", "a.."), ("/workspace/a…b", "a…b"),
            ("/workspace/100%", "100%"),
            ("/workspace/100% sure", "100% sure"), ("/workspace/日本/👩‍👩‍👧", "👩‍👩‍👧"), ("/workspace/-", "-"),
            ("/workspace/.molecule/chat-uploads/\(stored)", "a.txt"),
            ("/workspace/.molecule/chat-uploads/x-a.txt", "x-a.txt"),
        ])
    func taken(_ path: String, _ name: String) throws {
        let found = try DownloadPath(path)
        #expect(found.path == path && found.name == name)
        #expect((found.upload != nil) == path.hasSuffix(Self.stored))
    }

    @Test("name an upload only where uploads are")
    func uploads() throws {
        #expect(try DownloadPath("/workspace/\(Self.stored)").upload == nil)
        #expect(try DownloadPath("/home/.molecule/chat-uploads/\(Self.stored)").upload == nil)
        #expect(try DownloadPath("/workspace/.molecule/chat-uploads/x/\(Self.stored)").upload == nil)
        #expect(try DownloadPath("/workspace/.molecule/chat-uploads/\(Self.stored)").upload?.stored == Self.stored)
    }
}

import Testing
import UVHTTPServer

@testable import Registry

/// Folders of the host that a workspace may have as its own.
@Suite("Workspace folders")
struct WorkspaceDirectoryTests {
    @Test(
        "Plain absolute paths outside of the system's folders",
        arguments: ["/srv/agent", "/srv/agent/", "/home/a/b.c", "/etcetera"])
    func allowed(_ path: String) throws {
        try NewWorkspaceRule.check(directory: path)
    }

    @Test(
        "Every other spelling of a path is refused, since an engine would resolve it",
        arguments: [
            "/", "//", "/.", "/./", "/..", "/etc", "/etc/", "/etc/x", "//etc", "/./etc", "/srv/../etc", "/srv//a",
            "/srv/./a",
            "//var/run", "/proc/1/root", "srv/agent", "./a", "/srv/\0",
            // A mark that combines with the slash before it makes one character of the two, and two bytes all the same.
            "/etc/\u{301}x", "/srv/../\u{301}x", "/srv/" + String(repeating: "a", count: 1020),
        ])
    func refused(_ path: String) {
        #expect(throws: APIError.self) { try NewWorkspaceRule.check(directory: path) }
    }
}

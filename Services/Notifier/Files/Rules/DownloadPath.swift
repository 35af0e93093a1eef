import Contracts
import PlatformInternals

/// The path of a file to download, validated without a file system: absolute, clean, below one of a workspace's own
/// folders.
///
/// Encodings and look-alikes of separators, dots and NUL are refused, too, in case a later component decodes or
/// normalises the path again; legitimate files are not named like that.
struct DownloadPath: Hashable, Sendable {
    enum Refusal: String, Error, CaseIterable {
        case missing = "is required"
        case tooLong = "is too long"
        case relative = "must be absolute"
        case unclean = "must be clean: no empty part, no '.' and no '..'"
        case ambiguous = "must not have control characters, backslashes, encoded separators or what looks like them"
        case outside = "must be below /workspace, /configs, /home or /plugins"
    }

    /// The folder of uploads.
    static let uploads = "/workspace/.molecule/chat-uploads"
    static let roots = ["workspace", "configs", "home", "plugins"]
    private static let maximumParts = 64
    /// The limit of Linux file systems, in bytes.
    private static let maximumPartLength = 255

    let path: String

    /// - Parameter text: percent-decoded once.
    init(_ text: String?) throws(Refusal) {
        guard let text, !text.isEmpty else { throw .missing }
        guard text.utf8.count <= Limits.downloadPath else { throw .tooLong }
        guard text.utf8.first == UInt8(ascii: "/") else { throw .relative }
        guard !text.unicodeScalars.contains(where: Self.isAmbiguous), !Self.hasEncodedSeparator(text) else {
            throw .ambiguous
        }
        // By bytes: to a string, a slash with an accent is another character.
        let parts = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard !parts.contains("") else { throw .unclean }
        for part in parts where Self.isDots(part) { throw .unclean }
        guard parts.count <= Self.maximumParts, parts.allSatisfy({ $0.utf8.count <= Self.maximumPartLength }) else {
            throw .tooLong
        }
        guard parts.count >= 2, Self.roots.contains(where: { $0.utf8.elementsEqual(parts[0].utf8) }) else {
            throw .outside
        }
        path = text
    }

    /// The name of an upload; nil for other files.
    var upload: FileName? {
        let folder = (Self.uploads + "/").utf8
        guard path.utf8.starts(with: folder) else { return nil }
        return FileName(stored: String(decoding: path.utf8.dropFirst(folder.count), as: UTF8.self))
    }

    /// The file's name: the part behind the last slash, for an upload its reduced name.
    var name: String {
        upload?.name ?? path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) }
            ?? "file"
    }

    private static func isAmbiguous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x5C, 0xFFFD: true
        // Bidirectional controls display a name in another order.
        case 0x202A...0x202E, 0x2066...0x2069: true
        default: lookAlikes.contains(scalar)
        }
    }

    /// Slashes and backslashes of other scripts, and line separators.
    private static let lookAlikes: Set<Unicode.Scalar> = [
        "\u{2044}", "\u{2215}", "\u{2216}", "\u{29F5}", "\u{29F8}", "\u{29F9}", "\u{FE68}", "\u{FF0F}", "\u{FF3C}",
        "\u{2571}", "\u{2572}", "\u{1735}", "\u{2028}", "\u{2029}", "\u{338}", "\u{337}",
    ]

    /// A part that is nothing but dots, also those of other scripts.
    private static func isDots(_ part: String) -> Bool {
        var count = 0
        for scalar in part.unicodeScalars {
            switch scalar {
            case ".", "\u{FF0E}", "\u{2024}", "\u{FE52}", "\u{3002}", "\u{FF61}": count += 1
            case "\u{2025}", "\u{FE30}": count += 2
            default:
                // Combining marks and invisible characters do not make it look different.
                guard [.nonspacingMark, .format].contains(scalar.properties.generalCategory) else { return false }
            }
        }
        return count == 1 || count == 2
    }

    /// A percent sign with the code of a dot, a slash, a backslash, NUL or another percent sign.
    private static func hasEncodedSeparator(_ text: String) -> Bool {
        let lowered = text.lowercased()
        return ["%2e", "%2f", "%5c", "%00", "%25", "%c0", "%u00", "%u22", "%uff"].contains { lowered.contains($0) }
    }
}

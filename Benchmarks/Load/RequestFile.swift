import Foundation

/// Requests prepared beforehand, so that preparing them is not measured.
enum RequestFile {
    /// Reads a file of requests, each preceded by a line with its length in bytes.
    ///
    /// - Throws: `Options.Invalid` for a file that is empty or cut off, or what the system says.
    static func read(_ path: String) throws -> [[UInt8]] {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        var requests: [[UInt8]] = []
        var position = 0
        while position < bytes.count {
            guard let lineEnd = bytes[position...].firstIndex(of: UInt8(ascii: "\n")),
                let length = Int(String(decoding: bytes[position..<lineEnd], as: UTF8.self)), length > 0,
                lineEnd + 1 + length <= bytes.count
            else { throw Options.Invalid(description: "\(path) is no file of requests at byte \(position)") }
            position = lineEnd + 1 + length
            requests.append(Array(bytes[lineEnd + 1..<position]))
        }
        guard !requests.isEmpty else { throw Options.Invalid(description: "\(path) holds no request") }
        return requests
    }
}

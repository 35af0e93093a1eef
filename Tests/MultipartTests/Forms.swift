@testable import Multipart

/// A part as a test expects it.
struct ParsedPart: Hashable, Sendable {
    var name: String
    var fileName: String?
    var contentType: String?
    var body: String

    init(_ name: String, _ fileName: String? = nil, _ contentType: String? = nil, body: String) {
        self.name = name
        self.fileName = fileName
        self.contentType = contentType
        self.body = body
    }
}

/// Runs a body through a parser in pieces.
///
/// - Throws: `MultipartError`.
func parse(
    _ pieces: [[UInt8]], boundary: String = "b", limits: MultipartLimits = MultipartLimits()
) throws -> [ParsedPart] {
    guard let boundary = MultipartBoundary(Array(boundary.utf8)) else { return [] }
    var parser = MultipartParser(boundary: boundary, limits: limits)
    var parts: [ParsedPart] = []
    var bodies: [[UInt8]] = []
    for piece in pieces {
        for event in try parser.consume(piece) {
            switch event {
            case .part(let part):
                parts.append(ParsedPart(part.name, part.fileName, part.contentType, body: ""))
                bodies.append([])
            case .body(let bytes): bodies[bodies.count - 1] += bytes
            case .partEnd: parts[parts.count - 1].body = String(decoding: bodies[bodies.count - 1], as: UTF8.self)
            }
        }
    }
    try parser.finish()
    return parts
}

func parse(_ text: String, limits: MultipartLimits = MultipartLimits()) throws -> [ParsedPart] {
    try parse([Array(text.utf8)], limits: limits)
}

/// One part with this `Content-Disposition` behind `form-data; name="files"`.
func form(_ parameters: String, body: String = "x") -> String {
    "--b\r\nContent-Disposition: form-data; name=\"files\"\(parameters)\r\n\r\n\(body)\r\n--b--\r\n"
}

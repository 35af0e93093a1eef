import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import UVHTTPServer

extension Request {
    /// `?name=true`, also `1`; anything else but `false` and `0` is an error: it must not be ignored silently.
    package func flag(_ name: String) throws(APIError) -> Bool {
        switch query(name) {
        case nil, "false", "0": return false
        case "true", "1": return true
        default: throw .invalidBody(field: name, reason: "must be true or false")
        }
    }

    /// The whole body of a route that takes JSON.
    ///
    /// - Throws: `APIError` 413 when it is too long, 415 when another type was declared.
    package func jsonBytes(upTo limit: Int = Limits.requestBody) async throws -> [UInt8] {
        try requireJSON()
        return try await body.collect(upTo: limit)
    }

    /// Refuses a body with another declared type. A page of any origin can make a browser send the types of forms and
    /// plain text without a preflight; JSON it cannot.
    ///
    /// - Throws: `APIError` 415.
    package func requireJSON() throws(APIError) {
        guard let type = headers["content-type"], !Self.isJSON(type) else { return }
        throw APIError(.unsupportedMediaType, "content type must be application/json")
    }

    /// The body as a value of the contract.
    ///
    /// - Parameter message: the error message where a route has one of its own.
    /// - Throws: `APIError` 400 naming the field, 413 or 415.
    package func decode<Body: Decodable>(
        _ type: Body.Type, orError message: String = ErrorMessage.invalidRequestBody
    ) async throws -> Body {
        try decode(type, from: try await jsonBytes(), orError: message)
    }

    /// A body that was read already, as a value of the contract.
    ///
    /// - Throws: `APIError` 400 naming the field.
    package func decode<Body: Decodable>(
        _ type: Body.Type, from bytes: [UInt8], orError message: String = ErrorMessage.invalidRequestBody
    ) throws -> Body {
        try decode(type, from: try jsonObject(bytes, orError: message), orError: message)
    }

    /// A body of which a part was read already, as a value of the contract.
    ///
    /// - Throws: `APIError` 400 naming the field.
    package func decode<Body: Decodable>(
        _ type: Body.Type, from object: JSONObject, orError message: String = ErrorMessage.invalidRequestBody
    ) throws -> Body {
        do {
            return try WireJSON.decode(type, from: object.slice)
        } catch {
            throw APIError(.badRequest, message, field: error.field, reason: error.reason)
        }
    }

    /// A body that was read already, as the members of an object: grammar, UTF-8 and depth are checked by this.
    ///
    /// - Throws: `APIError` 400.
    package func jsonObject(
        _ bytes: [UInt8], orError message: String = ErrorMessage.invalidRequestBody
    ) throws(APIError) -> JSONObject {
        do {
            return try JSONObject(validating: bytes)
        } catch {
            throw APIError(.badRequest, message, reason: "must be a JSON object")
        }
    }

    private static func isJSON(_ type: String) -> Bool {
        if type == "application/json" { return true }
        let media = type.prefix { $0 != ";" }.trimmingSuffix { $0 == " " }.lowercased()
        return media.isEmpty || media == "application/json"
            || (media.hasPrefix("application/") && media.hasSuffix("+json"))
    }
}

extension Substring {
    fileprivate func trimmingSuffix(_ isTrimmed: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, isTrimmed(last) { text.removeLast() }
        return text
    }
}

extension JSONObject {
    /// The workspace that a body names as its sender. It is read before anything else of the body: it decides which
    /// credential the request needs.
    ///
    /// - Throws: `APIError` 400 naming the field.
    package func workspaceID(_ name: StaticString) throws(APIError) -> UUID {
        let text: String
        do {
            text = try requiredString(name)
        } catch {
            throw .invalidBody(error)
        }
        guard let id = UUID(canonical: text) else {
            throw .invalidBody(field: name.description, reason: "must be a UUID")
        }
        return id
    }
}

extension APIError {
    /// A member that is missing, repeated or of a wrong type.
    package static func invalidBody(_ error: JSONFieldError) -> APIError {
        .invalidBody(field: error.field, reason: error.isMissing ? "is required" : "must be \(error.expected)")
    }
}

extension Response {
    /// A response with a value of the contract: compact, in the declared order.
    package static func wire(_ status: HTTPStatus = .ok, _ value: some Encodable) throws -> Response {
        .json(status, bytes: try WireJSON.encode(value))
    }
}

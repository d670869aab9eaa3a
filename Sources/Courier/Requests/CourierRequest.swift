package import Outbox

/// One request to make along a route: a POST, mostly.
///
/// A class, so that the caller's own object travels through the courier and comes back in the result unchanged.
package protocol CourierRequest: AnyObject, Sendable {
    var route: CourierRoute { get }
    var body: RequestBody { get }
    /// The last instant at which the request may be sent. Later, the lease might end before the answer is in, and another
    /// worker would send the same.
    var mustStartBefore: ContinuousClock.Instant { get }
    /// Whether it may begin before others that wait longer.
    var passesOthers: Bool { get }
    /// How much of the answer's body is kept, in bytes.
    var keptBytes: Int { get }

    /// Appends the lines that belong to this request alone.
    ///
    /// Called on the courier's queue right before the request goes out, so that its timestamp and signature are fresh and
    /// the work of signing is spread over the couriers.
    /// - Parameters:
    ///   - unixTime: seconds since 1970.
    ///   - lines: where to append; empty.
    /// - Throws: when the request must not go out, because it cannot be signed for example. Its result says so, and
    ///   nothing is sent.
    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal)
}

extension CourierRequest {
    /// For the record of an attempt.
    package var keptBytes: Int { AnswerBody.keptBytes }
}

/// Why a request cannot be made. Nothing of it was sent.
package struct RequestRefusal: Error, Hashable, Sendable {
    package let code: ErrorCode
    /// Short; holds no secret, no address and no part of the URL.
    package let detail: String

    package init(_ code: ErrorCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}

/// The bytes of a request's body, immutable and at a fixed place in memory.
///
/// libcurl reads a body from where it lies, for as long as the request lasts. An array's storage may move, so the bytes
/// live here instead. Several requests, such as one event on its way to several endpoints, may share one body.
@safe package final class RequestBody: @unchecked Sendable {
    // Unchecked: written once by the initialiser, only read afterwards.
    private let storage: UnsafeMutableRawBufferPointer

    package let count: Int

    /// Copies `bytes`, once.
    package init(_ bytes: some Collection<UInt8>) {
        let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        unsafe storage.copyBytes(from: bytes)
        unsafe self.storage = storage
        count = bytes.count
    }

    deinit {
        unsafe storage.deallocate()
    }

    /// Lends the bytes. The pointer is valid only within `use`.
    package func withUnsafeBytes<Value>(_ use: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try unsafe use(UnsafeRawBufferPointer(rebasing: storage[..<count]))
    }

    /// Where the bytes begin. Valid while this object lives; never nil, so that libcurl takes an empty body for one.
    var start: UnsafeRawPointer? {
        unsafe UnsafeRawPointer(storage.baseAddress)
    }
}

import OutboxStore
import Postgres

/// An endpoint in full, as JSON: the keys of ``EndpointReport`` and those of its settings in one object.
struct EndpointDetailsReport: Encodable {
    private struct Settings: Encodable {
        let payloadFormat: String
        let retryScheduleSeconds: [Double]
        let maxAttempts: Int32
        let timeoutSeconds: Double
        let maxInFlight: Int32?
        let rateLimit: Float?
        let headerNames: [String]
        let secrets: Int32
        let createdAt: String
        let updatedAt: String
    }

    private let overview: EndpointReport
    private let settings: Settings

    init(_ details: EndpointDetails) {
        overview = EndpointReport(details.overview)
        let settings = details.settings
        self.settings = Settings(
            payloadFormat: settings.payloadFormat, retryScheduleSeconds: settings.retrySchedule.map(Seconds.number),
            maxAttempts: settings.maxAttempts, timeoutSeconds: Seconds.number(settings.timeout),
            maxInFlight: settings.maxInFlight, rateLimit: settings.rateLimit, headerNames: settings.headerNames,
            secrets: settings.secrets, createdAt: settings.createdAt.description,
            updatedAt: settings.updatedAt.description)
    }

    func encode(to encoder: any Encoder) throws {
        try overview.encode(to: encoder)
        try settings.encode(to: encoder)
    }
}

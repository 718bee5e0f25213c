// Pictures of a place beside its incident: what may be registered as a device's video, and what of it may be shown. The address itself and its
// login never leave the server.

/**
 * snapshot: an address that answers one picture. mjpeg: an endless multipart answer of pictures. hls: a playlist (RFC 8216).
 * whep: WebRTC, the session opened over HTTP (draft-ietf-wish-whep).
 */
export const VIDEO_KINDS = ['snapshot', 'mjpeg', 'hls', 'whep'] as const
export type VideoKind = (typeof VIDEO_KINDS)[number]

export type VideoGiven = { kind: VideoKind; url: string; username?: string; password?: string }

/** What anybody who may read may know of it. */
export type Video = { deviceId: string; kind: VideoKind; host: string; hasLogin: boolean; by: string; at: string }

/** evidence: it says so itself that there is something; same-building, near: where it stands */
export const CAMERA_REASONS = ['evidence', 'same-building', 'near'] as const
export type CameraReason = (typeof CAMERA_REASONS)[number]

export type CameraBeside = { deviceId: string; kind: VideoKind; reason: CameraReason; name?: string; distanceM?: number }

/** Header of a picture and of each part of a stream of them: when it came to the server, milliseconds since 1970. */
export const PICTURE_AT = 'x-picture-at'

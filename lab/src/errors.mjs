// errors: what an answer other than 200 is made of.

export class ApiError extends Error {
  // empty: no body at all and no Content-Length. after: milliseconds to wait before it is sent.
  constructor(status, reason, { errors, empty = false, after = 0 } = {}) {
    super(reason);
    this.status = status;
    this.errors = errors;
    this.empty = empty;
    this.after = after;
  }
}

export const forbidden = (path, ...privileges) => new ApiError(403, `Permission check failed (${path}, ${privileges.join('|')})`);
export const badParameter = (errors) => new ApiError(400, 'Parameter verification failed.', { errors });
export const died = (text) => new ApiError(500, text);

// api: typed requests; every refusal is an ApiError with code, sentence, field and request id.

import { under } from './base';

export class ApiError extends Error {
  constructor(
    readonly status: number,       // 0: nobody answered
    readonly code: string,
    message: string,
    readonly field: string | null,
    readonly requestId: string | null,
    readonly retryAfterS: number | null,
    readonly request: string,      // "POST api/v1/keys"
    readonly hint: string | null = null,        // what to do about it, such as a command for a shell
    readonly operationId: string | null = null, // what is already under way
    readonly said: Record<string, unknown> = {}, // all that was answered of it
  ) {
    super(message);
  }

  /** What "Copy details" puts on the clipboard; holds nothing that was typed. */
  details(): string {
    return [
      `${this.request}: ${this.status || 'no answer'} ${this.code}`,
      this.message,
      this.field ? `field: ${this.field}` : '',
      ...['con', 'step'].map((name) => this.said[name] ? `${name}: ${this.said[name]}` : ''),
      this.hint ? `to do: ${this.hint}` : '',
      `request: ${this.requestId ?? 'none'}`,
      `at: ${new Date().toISOString()}`,
      `page: ${location.pathname}`,
    ].filter(Boolean).join('\n');
  }
}

let onUnauthorized: () => void = () => {};

/** Called when a request finds the session ended; logging in itself does not count. */
export function whenUnauthorized(run: () => void): void {
  onUnauthorized = run;
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export async function api<T = void>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const request = `${method} ${path.split('?')[0]}`;
  let response: Response;
  try {
    response = await fetch(under(path), {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: body === undefined ? { accept: 'application/json' }
        : { accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, 'offline', 'The server did not answer. It may be restarting, or the network is down. Try again in a moment.',
      null, null, null, request);
  }
  if (response.ok) {
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  }
  const error = await refusal(response, request);
  const isLogin = method === 'POST' && (path === 'api/v1/session' || path === 'api/v1/password');
  if (response.status === 401 && !isLogin) onUnauthorized();
  throw error;
}

/** The server's words as a sentence of a page: "port must be …" begins large and ends with a full stop. */
export function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

function textOf(said: Record<string, unknown>, name: string): string | null {
  const value = said[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

async function refusal(response: Response, request: string): Promise<ApiError> {
  const retry = Number(response.headers.get('retry-after') ?? NaN);
  let said: Record<string, unknown> = {};
  let operation: string | null = null;
  try {
    const body = (await response.json()) as Record<string, unknown>;
    operation = textOf(body, 'operation_id');
    said = { targets: body.targets, ...(body.error as object | undefined) };
  } catch {
    // Not our own answer: a proxy's page. Status and text below say what is known.
  }
  const message = textOf(said, 'message');
  return new ApiError(response.status, textOf(said, 'code') ?? `http_${response.status}`,
    message ? sentence(message) : `The server answered ${response.status} ${response.statusText}`.trim() + '.',
    textOf(said, 'field'), textOf(said, 'request_id'), Number.isFinite(retry) ? retry : null, request, textOf(said, 'hint'), operation, said);
}

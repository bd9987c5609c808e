import { STATUS_CODES } from 'node:http';
import { asObject } from '../lib/json.ts';
import { withoutCredentials } from './logging/logger.ts';

const maxReasonLength = 300;

/** Messages that say no more than the status. */
const uninformative =
  /^(?:access (?:denied|forbidden)|authentication required|requested access to the resource is denied)$/i;

/**
 * Returns a server's own reason for an error: one line of plain text for users, at most 300 characters, without markup
 * and credentials. Returns undefined if the server says no more than the status.
 * @param body the JSON of the response, as GitLab (`message`, `error_description`, `error`) or a registry (`errors`) sends it.
 * @param secret the credential of the request, which is removed from the text.
 */
export function serverMessage(body: unknown, status: number, secret: string | null): string | undefined {
  const text = sentenceIn(body);
  if (text === undefined) return undefined;
  const plain = text
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  const clean = withoutCredentials(secret ? plain.replaceAll(secret, '[removed]') : plain);
  const reason = withoutStatus(clean, status);
  return reason === '' || uninformative.test(reason) ? undefined : reason.slice(0, maxReasonLength).toWellFormed();
}

function sentenceIn(body: unknown): string | undefined {
  const { message, error, error_description: description, errors } = asObject(body) ?? {};
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  // Most values of `error` are codes for programs (`invalid_token`).
  const sentence = typeof error === 'string' && /\S\s+\S/.test(error) ? error : undefined;
  const sentences = [description, message, asObject(message)?.['error'], asObject(first)?.['message'], sentence];
  return sentences.find((each): each is string => typeof each === 'string' && each.trim() !== '');
}

/** Removes the status from a message: `403 Forbidden - Your account has been blocked.` -> `Your account has been blocked.` */
function withoutStatus(text: string, status: number): string {
  const rest = text.replace(new RegExp(`^${status}\\b\\s*`), '');
  const name = STATUS_CODES[status] ?? '';
  if (!rest.toLowerCase().startsWith(name.toLowerCase())) return rest;
  const [, reason] = /^(?:\s*[-:–—]+\s*(.*)|[.!]*)$/.exec(rest.slice(name.length)) ?? [undefined, rest];
  return reason ?? '';
}

import { STATUS_CODES } from 'node:http';
import { asObject } from '../lib/json.ts';
import { withoutCredentials } from './logging/logger.ts';

const maxReasonLength = 300;

/** Sentences that say no more than the status does. */
const bare = /^(?:access (?:denied|forbidden)|authentication required|requested access to the resource is denied)$/i;

/**
 * Why a server refuses a request, in its own words, for people: one line of plain text of limited length, without markup
 * and credentials; undefined where it says no more than its status does. `body`: its JSON, in the shapes of GitLab
 * (`message`, `error_description`, `error`) and of registries (`errors`). `secret`: what the request was sent with.
 */
export function toldReason(body: unknown, status: number, secret: string | null): string | undefined {
  const text = sentenceIn(body);
  if (text === undefined) return undefined;
  const plain = text
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  const clean = withoutCredentials(secret ? plain.replaceAll(secret, '[removed]') : plain);
  const reason = withoutStatus(clean, status);
  return reason === '' || bare.test(reason) ? undefined : reason.slice(0, maxReasonLength).toWellFormed();
}

function sentenceIn(body: unknown): string | undefined {
  const { message, error, error_description: description, errors } = asObject(body) ?? {};
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  // Most errors are codes for programs (`invalid_token`).
  const sentence = typeof error === 'string' && /\S\s+\S/.test(error) ? error : undefined;
  const sentences = [description, message, asObject(message)?.['error'], asObject(first)?.['message'], sentence];
  return sentences.find((each): each is string => typeof each === 'string' && each.trim() !== '');
}

/** `403 Forbidden - Your account has been blocked.` -> `Your account has been blocked.` */
function withoutStatus(text: string, status: number): string {
  const rest = text.replace(new RegExp(`^${status}\\b\\s*`), '');
  const name = STATUS_CODES[status] ?? '';
  if (!rest.toLowerCase().startsWith(name.toLowerCase())) return rest;
  const [, reason] = /^(?:\s*[-:–—]+\s*(.*)|[.!]*)$/.exec(rest.slice(name.length)) ?? [undefined, rest];
  return reason ?? '';
}

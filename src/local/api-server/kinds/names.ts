/** The API's rules for names, label keys and label values. Each function says what is wrong, or undefined. */

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

export function nameProblem(rule: 'subdomain' | 'label' | 'label1035', name: string): string | undefined {
  switch (rule) {
    case 'subdomain':
      return subdomainProblem(name);
    case 'label':
      if (name.length > 63) return 'must be no more than 63 characters';
      if (LABEL.test(name)) return undefined;
      return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
    case 'label1035':
      if (name.length > 63) return 'must be no more than 63 characters';
      if (LABEL_1035.test(name)) return undefined;
      return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  }
}

export function subdomainProblem(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 characters';
  if (SUBDOMAIN.test(name)) return undefined;
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
}

/** `[prefix/]name`: keys of labels and annotations, names of finalizers. */
export function labelKeyProblem(key: string): string | undefined {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = slash < 0 ? key : key.slice(slash + 1);
  if (prefix !== undefined) {
    const trouble = prefix === '' ? 'prefix part must be non-empty' : subdomainProblem(prefix);
    if (trouble !== undefined) return `prefix part ${trouble}`;
  }
  if (name === '') return 'name part must be non-empty';
  if (name.length > 63) return 'name part must be no more than 63 characters';
  if (QUALIFIED.test(name)) return undefined;
  return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
}

export function labelValueProblem(value: string): string | undefined {
  if (value === '') return undefined;
  if (value.length > 63) return 'must be no more than 63 characters';
  if (QUALIFIED.test(value)) return undefined;
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
}

const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** `base` (cut to fit 63 characters) and five random characters, as `metadata.generateName` asks for. */
export function generatedName(base: string, random: (below: number) => number): string {
  let name = base.slice(0, 63 - 5);
  for (let count = 0; count < 5; count += 1) name += SUFFIX_ALPHABET[random(SUFFIX_ALPHABET.length)];
  return name;
}

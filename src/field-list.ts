/**
 * Header lists as the protocol has them, flat: names and values in turn. What looks one up or hands all of them on is here;
 * what decides something at each field goes through the list itself.
 */

/** The value of a field, the first where there are several. @param name in lower case; those of the list in any */
export function fieldValue(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const given = fields[i]!;
    if (given.length === name.length && given.toLowerCase() === name) return fields[i + 1];
  }
  return undefined;
}

/** All values of a field that is a list, as one (RFC 9110 section 5.3). @param name in lower case; those of the list in any */
export function listValue(fields: readonly string[], name: string): string | undefined {
  let list: string | undefined = undefined;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const given = fields[i]!;
    if (given.length !== name.length || given.toLowerCase() !== name) continue;
    list = list === undefined ? fields[i + 1]! : `${list}, ${fields[i + 1]!}`;
  }
  return list;
}

/** Whether there is such a field. @param name in lower case; those of the list in any */
export function hasField(fields: readonly string[], name: string): boolean {
  return fieldValue(fields, name) !== undefined;
}

/** The list without such fields. @param name in lower case; those of the list in any */
export function withoutField(fields: readonly string[], name: string): readonly string[] {
  return hasField(fields, name)
    ? fieldPairs(fields)
        .filter(([given]) => given.toLowerCase() !== name)
        .flat()
    : fields;
}

export function fieldPairs(fields: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) pairs.push([fields[i]!, fields[i + 1]!]);
  return pairs;
}

/** Names in lower case, each as often as it is there. */
export function fieldNames(fields: readonly string[]): string[] {
  const names: string[] = [];
  for (let i = 0; i < fields.length; i += 2) names.push(fields[i]!.toLowerCase());
  return names;
}

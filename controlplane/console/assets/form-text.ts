// What somebody typed into a form.

/** Of the field of that name, without space around it. Keeps the browser from sending the form anywhere. */
export function submittedText(event: Event, name: string): string {
  event.preventDefault();
  const value = new FormData(event.currentTarget as HTMLFormElement).get(name);
  return typeof value === 'string' ? value.trim() : '';
}

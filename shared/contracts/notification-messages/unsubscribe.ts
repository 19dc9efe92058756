/** Where a staff member stops e-mail without logging in: the link of RFC 8058 in every message, which the API serves. */
export const unsubscribePath = '/api/deadline-notifications/unsubscribe';

interface Signer {
  sign(value: string): string;
}

/** @param publicUrl the API as staff members reach it */
export const createUnsubscribeLinks = (publicUrl: string, signer: Signer) => ({
  urlFor: (staffId: string): string =>
    `${publicUrl.replace(/\/$/, '')}${unsubscribePath}?token=${signer.sign(staffId)}`,
});

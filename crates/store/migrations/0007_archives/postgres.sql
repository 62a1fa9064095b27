-- Archive files are SQLite's; here payments of past years stay where they are.
SELECT 1;

"""Records of trading sessions on S3 and DynamoDB, for operators on any machine."""
